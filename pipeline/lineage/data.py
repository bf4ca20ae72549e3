"""What an ExampleGen read."""

import json
from pathlib import Path
from typing import Any

from pipeline.lineage.records import Artifact, Execution, Snapshot

_FINGERPRINT = "input_fingerprint"
_QUARANTINE = "schemas.Quarantine"
_SUMMARY_FILE = "summary.json"


def data_document(snapshot: Snapshot, execution: Execution) -> dict[str, Any]:
    """Returns the pattern, the fingerprint and the files of an ExampleGen's input.

    The fingerprint is kept with the execution or with its examples. The files and their number
    of lines come from the summary beside the quarantine; `files` is None if that is gone.
    """
    outputs = [snapshot.artifacts[link.artifact_id] for link in execution.outputs]
    sources = (execution.properties, *(artifact.properties for artifact in outputs))
    config = execution.properties.get("input_config")
    splits = config.get("splits", []) if isinstance(config, dict) else []
    fingerprints = [source[_FINGERPRINT] for source in sources if _FINGERPRINT in source]
    return {
        "node": execution.node,
        "execution": execution.id,
        "input_base": execution.properties["input_base"],
        "patterns": [split.get("pattern") for split in splits],
        "fingerprint": next(iter(fingerprints), None),
        "files": _files(outputs),
    }


def _files(outputs: list[Artifact]) -> list[dict[str, Any]] | None:
    for artifact in outputs:
        path = Path(artifact.uri) / _SUMMARY_FILE
        if artifact.type == _QUARANTINE and path.is_file():
            files = json.loads(path.read_text(encoding="utf-8"))["files"]
            return [{"path": name, "num_lines": lines} for name, lines in files.items()]
    return None

"""What tells that a task is done, so that a later run need not do it again."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.vertex.local.executor_input import Artifact
from pipeline.vertex.local.tasks import Task

_FILE = "finished.json"
_PUSHED = "pushed_destination"  # the property that TFX's Pusher sets


@dataclass(frozen=True)
class Finished:
    """A task that is done.

    Attributes:
      fingerprint: of all that it depended on.
      artifacts: key -> what it wrote.
    """

    fingerprint: str
    artifacts: Mapping[str, Artifact]


def fingerprint(
    task: Task,
    inputs: Mapping[str, Any],
    upstream: Mapping[str, str],
    code_version: str,
    endpoint: str,
) -> str:
    """Returns the first 16 hexadecimal digits of a hash of all that a task depends on.

    Args:
      task: to run.
      inputs: those of its `ExecutorInput`.
      upstream: task -> the fingerprint of each task that ends before.
      code_version: of the code that the commands run, as far as no parameter has it.
      endpoint: of the server of custom jobs, which is another in each run and does not count.
    """
    facts = {
        "command": task.command,
        "pre_cache_check": task.pre_cache_check,
        "inputs": inputs,
        "upstream": upstream,
        "code_version": code_version,
    }
    text = json.dumps(facts, sort_keys=True).replace(endpoint, "")
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_finished(folder: Path, wanted: str) -> Finished | None:
    """Returns what a task wrote into its folder, if it was done from the same.

    Args:
      folder: of the task.
      wanted: the fingerprint that it has now.

    Returns:
      None if it was never done, from something else, if an output is gone, or if what it pushed is
      not the newest version: a server takes the newest.
    """
    path = folder / _FILE
    if not path.exists():
        return None
    finished = Finished(**json.loads(path.read_text()))
    if finished.fingerprint != wanted:
        return None
    return finished if all(map(_stands, finished.artifacts.values())) else None


def write_finished(folder: Path, finished: Finished) -> None:
    """Marks a task as done, whole or not at all."""
    temporary = folder / f"{_FILE}.tmp"
    temporary.write_text(json.dumps({**vars(finished)}, indent=2, sort_keys=True))
    temporary.replace(folder / _FILE)


def clear(folder: Path, task: Task) -> None:
    """Makes the outputs of a task empty folders; in a bucket there is nothing to make.

    What an earlier try wrote is removed, but for a trainer's checkpoints.
    """
    (folder / _FILE).unlink(missing_ok=True)
    for key in task.output_types:
        shutil.rmtree(folder / key, ignore_errors=True)
        (folder / key).mkdir()


def pushed_model(artifact: Artifact) -> Path | None:
    """Returns the folder that a pushed model lies in; None if none was pushed."""
    destination = artifact.get("metadata", {}).get(_PUSHED)
    return Path(destination) if destination else None


def _stands(artifact: Artifact) -> bool:
    pushed = pushed_model(artifact)
    if pushed is not None:
        versions = [int(each.name) for each in pushed.parent.glob("*") if each.name.isdigit()]
        if str(max(versions, default=0)) != pushed.name:
            return False
    return Path(artifact["uri"]).exists()

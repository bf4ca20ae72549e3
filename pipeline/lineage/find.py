"""From what the user typed, a path or an id, to the artifact that is meant."""

import os
from pathlib import Path

from components.errors import InputError
from pipeline.lineage.records import Artifact, Snapshot
from pipeline.lineage.runs import PUSHED_DESTINATION


def find_artifact(snapshot: Snapshot, text: str, root: Path) -> Artifact:
    """Returns the artifact with this id, or the one that this path is or lies in.

    A path may be an artifact's uri, the folder that a model was pushed to, or anything inside
    either. A relative path counts from the working directory, then from `root`. The artifact
    whose path is the longest wins.

    Raises:
      InputError: if nothing matches.
    """
    if text.isdecimal() and int(text) in snapshot.artifacts:
        return snapshot.artifacts[int(text)]
    for path in _absolute_paths(text, root):
        found = _artifact_around(snapshot, path)
        if found is not None:
            return found
    inside = _artifacts_inside(snapshot, _absolute_paths(text, root))
    hint = f"; inside it lie the artifacts {inside}" if inside else "; `artifacts` lists them"
    raise InputError(f"no artifact has the id {text!r} or a path that holds it{hint}")


def normalized(path: str) -> str:
    """Returns a local path absolute and without links; leaves `gs://...` as it is."""
    return path.rstrip("/") if "://" in path else os.path.realpath(path)


def _absolute_paths(text: str, root: Path) -> list[str]:
    return [normalized(text)] if "://" in text else [normalized(text), normalized(str(root / text))]


def _paths(artifact: Artifact) -> list[str]:
    """Returns where an artifact lies: its uri and, for a pushed model, its destination."""
    paths = [artifact.uri, artifact.properties.get(PUSHED_DESTINATION, "")]
    return [normalized(path) for path in paths if path]


def _artifact_around(snapshot: Snapshot, path: str) -> Artifact | None:
    """Returns the artifact that is at `path` or around it; of equal ones, the first.

    Two pushes within one second share their destination: the Pusher leaves the first there.
    """
    best: tuple[int, Artifact] | None = None
    for artifact in snapshot.artifacts.values():
        for place in _paths(artifact):
            is_around = path == place or path.startswith(f"{place}/")
            if is_around and (best is None or len(place) > best[0]):
                best = (len(place), artifact)
    return best[1] if best else None


def _artifacts_inside(snapshot: Snapshot, paths: list[str]) -> list[int]:
    folders = tuple(f"{path}/" for path in paths)
    return [
        artifact.id
        for artifact in snapshot.artifacts.values()
        if any(place.startswith(folders) for place in _paths(artifact))
    ]

"""Whether a model may have been trained on the rows that it is judged by."""

from collections.abc import Mapping
from typing import NamedTuple

from pipeline.compare.fields import RunData

_BY_CONTENT = "hash"


class RowsOrigin(NamedTuple):
    """Where the rows of a comparison come from.

    Attributes:
      files: path -> number of lines; None where they are not known.
      fingerprint: of the files; None where it is not known.
      split: as in `RunData`, of the run whose eval split they are; None: they are all rows.
    """

    files: Mapping[str, int] | None
    fingerprint: str | None = None
    split: Mapping[str, object] | None = None


def overlap_warning(origin: RowsOrigin, name: str, data: RunData) -> str | None:
    """Returns why a run's model may know the rows already, or None.

    A split by the content of rows puts the same row into the same part in every run, so equal ones
    of that kind keep train and eval rows apart from run to run.

    Args:
      origin: of the rows.
      name: of the run.
      data: what the run read.
    """
    num_shared = _num_shared(origin, data)
    is_same = origin.fingerprint is not None and origin.fingerprint == data.fingerprint
    if not num_shared and not is_same:
        return None
    if origin.split is not None and origin.split == data.split:
        method = data.split.get("split")
        if is_same or (isinstance(method, dict) and method.get("method") == _BY_CONTENT):
            return None
    is_part = 0 < num_shared < len(origin.files or ())
    files = f"{num_shared} of the {len(origin.files or ())} files" if is_part else "the files"
    return (
        f"run {name} read {files} that these rows come from (same path, or same name and number of "
        "lines): its model may have been trained on them, which makes it look better than it is"
    )


def _num_shared(origin: RowsOrigin, data: RunData) -> int:
    """How many files of the rows the run also read."""
    if origin.files is None or data.files is None:
        return 0
    known = {_name_and_lines(path, lines) for path, lines in data.files.items()}
    return sum(
        path in data.files or _name_and_lines(path, lines) in known
        for path, lines in origin.files.items()
    )


def _name_and_lines(path: str, num_lines: int) -> tuple[str, int]:
    return path.rpartition("/")[2], num_lines

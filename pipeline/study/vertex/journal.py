"""Which run of Vertex AI is a cell's, kept beside the tables."""

import json
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from components.errors import InputError
from components.files import write_text


class Submission(BaseModel):
    """One run, written down before it is submitted.

    Attributes:
      id: of the run.
      digest: of `CellRun`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    digest: str


_ENTRIES = TypeAdapter(dict[str, Submission])


class RunJournal:
    """Cell's id -> its last submission. A change is on disk, whole, before the call returns."""

    def __init__(self, path: Path) -> None:
        """Reads what an earlier start has written.

        Raises:
          InputError: if the file is damaged.
        """
        self._path = path
        self._entries: dict[str, Submission] = {}
        if path.exists():
            try:
                self._entries = _ENTRIES.validate_json(path.read_text())
            except ValidationError as error:
                raise InputError(f"{path}: expected the runs of a study: {error}") from error

    def get(self, cell: str, digest: str) -> str | None:
        """Returns the id of a cell's run; None if there is none, or it was made from another."""
        entry = self._entries.get(cell)
        return entry.id if entry and entry.digest == digest else None

    def put(self, cell: str, submission: Submission) -> None:
        """Keeps a cell's submission in the place of an earlier one."""
        self._write({**self._entries, cell: submission})

    def forget(self, cell: str) -> None:
        """Drops a cell's submission."""
        self._write({name: entry for name, entry in self._entries.items() if name != cell})

    def _write(self, entries: dict[str, Submission]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        values = {name: entry.model_dump() for name, entry in entries.items()}
        write_text(str(self._path), json.dumps(values, indent=1) + "\n")
        self._entries = entries

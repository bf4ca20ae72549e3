"""How long trainings took, kept beside the tables so that estimates get better."""

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError


class Timing(BaseModel):
    """A training that was run to its end.

    Attributes:
      group: of its cell.
      cell: its name.
      architecture: of the cell.
      variant: of the cell.
      device: of the cell.
      num_threads: of TensorFlow.
      examples: rows times epochs.
      train_examples_per_second: of the steps.
      seconds: wall time of the whole step.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: str
    cell: str
    architecture: str
    variant: str
    device: str
    num_threads: int
    examples: int
    train_examples_per_second: float
    seconds: float

    @property
    def fixed_seconds(self) -> float:
        """What the training took besides its steps."""
        return max(0.0, self.seconds - self.examples / self.train_examples_per_second)


def add_timing(path: Path, timing: Timing) -> None:
    """Appends one line."""
    with path.open("a") as file:
        file.write(timing.model_dump_json() + "\n")


def read_timings(path: Path) -> Sequence[Timing]:
    """Returns what was written, oldest first; a line that a kill has cut is left out."""
    if not path.is_file():
        return []
    timings = []
    for line in path.read_text().splitlines():
        try:
            timings.append(Timing.model_validate(json.loads(line)))
        except (json.JSONDecodeError, ValidationError):
            continue
    return timings

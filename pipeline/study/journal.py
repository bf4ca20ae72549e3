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
      seed_index: of the cell's seeds.
      architecture: of the cell.
      variant: of the cell.
      device: of the cell.
      num_cores: that it had to itself, if the machine did nothing else.
      parallel: trainings at once, itself included.
      examples: rows times epochs.
      train_examples_per_second: of the steps.
      seconds: wall time of the whole step.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: str
    cell: str
    seed_index: int
    architecture: str
    variant: str
    device: str
    num_cores: float
    parallel: int
    examples: int
    train_examples_per_second: float
    seconds: float

    @property
    def fixed_seconds(self) -> float:
        """What the training took besides its steps."""
        return max(0.0, self.seconds - self.examples / self.train_examples_per_second)


def add_timing(path: Path, timing: Timing) -> None:
    """Appends one line, also behind one that a kill has cut."""
    with path.open("a") as file:
        file.write(f"\n{timing.model_dump_json()}")


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

"""Configuration of the preflight for TPUs."""

from pydantic import Field, model_validator

from components.preflight_result import Spread
from components.trainer.preflight.chips import CHIPS
from components.trainer.preflight.largest_batch import LARGEST_TRIED
from schemas.step_config import StepConfig


class PreflightConfig(StepConfig):
    """For what the train steps are compiled.

    Attributes:
      enabled: whether a run has the step; a run that trains on TPUs has it unless told otherwise.
      required: whether a run stops where the compiler's environment is missing; else the result
        says so, and the trainers go on.
      chips: names of `chips.CHIPS`.
      num_chips: over how many of them a step is spread.
      spread: what lies in parts on them: the batch alone, or the rows of the tables too.
      batch_size: rows a step, over all chips; None: that of each variant's trainer.
      max_batch_size: no larger batch is tried in the search for the largest one; 0: none is made.
      num_processes: so many chips are compiled for at the same time.
    """

    enabled: bool = True
    required: bool = False
    chips: tuple[str, ...] = Field(default=("v5e",), min_length=1)
    num_chips: int = Field(default=1, ge=1)
    spread: Spread = "batch"
    batch_size: int | None = Field(default=None, ge=1)
    max_batch_size: int = Field(default=LARGEST_TRIED, ge=0)
    num_processes: int = Field(default=2, ge=1)

    @model_validator(mode="after")
    def _knows_the_chips(self) -> "PreflightConfig":
        unknown = [name for name in self.chips if name not in CHIPS]
        if unknown or len(set(self.chips)) < len(self.chips):
            raise ValueError(
                f"preflight.chips: expected chips of {', '.join(CHIPS)}, each once; received "
                f"{', '.join(self.chips)}"
            )
        return self

"""Configuration of what happens when the logloss on the validation rows stops falling."""

from pydantic import Field

from schemas.step_config import StepConfig


class EarlyStoppingConfig(StepConfig):
    """When a training ends before its last step.

    Attributes:
      patience: so many evaluations on end without a better logloss end the training; the weights of
        the best evaluation are exported, also if the training reached its last step. 0: it never
        ends early, and the last weights are exported.
      min_improvement: how much lower (nats) a logloss must be to count as better.
    """

    patience: int = Field(default=0, ge=0)
    min_improvement: float = Field(default=0.0, ge=0, allow_inf_nan=False)


class ReduceOnPlateauConfig(StepConfig):
    """When both learning rates are lowered for the rest of a training.

    Attributes:
      patience: after so many evaluations on end without a better logloss, and again after as many
        more. 0: never.
      factor: what the learning rates are multiplied by, on top of their schedules.
      min_factor: all reductions together go no lower than this.
      min_improvement: how much lower (nats) a logloss must be to count as better.
    """

    patience: int = Field(default=0, ge=0)
    factor: float = Field(default=0.5, gt=0, lt=1)
    min_factor: float = Field(default=0.01, gt=0, le=1)
    min_improvement: float = Field(default=0.0, ge=0, allow_inf_nan=False)

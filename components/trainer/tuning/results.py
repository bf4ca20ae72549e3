"""What a tuner found, as `tuning.json` holds it."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TrialResult(_Result):
    """One training.

    Attributes:
      values: dotted path -> what is not as configured.
      logloss: on the held-out rows, nats, the mean over the seeds; None if it failed.
      train_examples_per_second: the mean over the seeds; None if it failed.
      error: why it failed.
    """

    values: dict[str, Any] = Field(default_factory=dict)
    logloss: float | None
    train_examples_per_second: float | None = None
    error: str = ""


class RateRange(_Result):
    """The range test of one learning rate; see `learning_rate_rule.RangeReading`.

    Attributes:
      field: dotted path of the learning rate.
      configured: its value.
      rates: those that were tried.
      loss: at each of them, the median over the seeds, nats; None where the training had ended.
      loss_at_rest: of the same training without this part.
      gain: smoothed.
      constant_loss: of one prediction for all rows.
      steepest: where the gain grows fastest.
      best: where it is largest.
      last_stable: the last rate before the training diverges.
      suggested: near `best`, for a whole training with its schedule; None if the gain is not above
        the noise.
      is_at_edge: whether a lower or higher rate than those tried might be better.
    """

    field: str
    configured: float
    rates: tuple[float, ...]
    loss: tuple[float | None, ...]
    loss_at_rest: tuple[float, ...]
    gain: tuple[float, ...]
    constant_loss: float
    steepest: float
    best: float
    last_stable: float
    suggested: float | None
    is_at_edge: bool


class RateRanges(_Result):
    """The range tests of both learning rates."""

    ranges: tuple[RateRange, ...]


class BatchSizeResult(_Result):
    """The training with one batch size.

    Attributes:
      batch_size: rows a step.
      values: dotted path -> the value of what follows the batch size, and the batch size.
      train_examples_per_second: rows a second.
      peak_memory_bytes: of the whole process on CPUs, else of the devices.
      logloss: on the held-out rows, nats; None if the training diverged.
      out_of_memory: why the training could not run; empty if it could.
    """

    batch_size: int
    values: dict[str, Any]
    train_examples_per_second: float | None = None
    peak_memory_bytes: int | None = None
    logloss: float | None = None
    out_of_memory: str = ""


class BatchSizes(_Result):
    """A comparison of batch sizes.

    Attributes:
      sizes: ascending; the last one may be out of memory.
      max_logloss_increase: how far above the lowest logloss the suggestion may lie.
      suggested: the size with the most examples a second among those.
    """

    sizes: tuple[BatchSizeResult, ...]
    max_logloss_increase: float
    suggested: int


class Search(_Result):
    """A search.

    Attributes:
      algorithm: of the search.
      trials: in their order.
    """

    algorithm: str
    trials: tuple[TrialResult, ...]


class TuningResult(_Result):
    """All that a tuner did.

    Attributes:
      variant: whose configuration was tuned.
      train_rows: rows that every training used.
      held_out_rows: rows that every logloss was computed on.
      configured: the training as configured.
      tuned: the training with what was found; `values` go to the trainers.
      learning_rate_range: None if it was not asked for, as the other parts.
      batch_sizes: the same.
      search: the same.
    """

    variant: str
    train_rows: int
    held_out_rows: int
    configured: TrialResult
    tuned: TrialResult
    learning_rate_range: RateRanges | None = None
    batch_sizes: BatchSizes | None = None
    search: Search | None = None

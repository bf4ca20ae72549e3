"""Configuration of the step that looks for good values of a trainer's configuration."""

from typing import Any, Literal

from pydantic import Field, model_validator

from components.errors import InputError
from components.trainer.config import TrainerConfig
from components.trainer.hyperparameters import with_values
from schemas.step_config import StepConfig

# The variant is the one that is tuned; the rate is a fact of the data.
_FIXED_FIELDS = ("variant", "negative_sampling_rate")


class LearningRateRangeConfig(StepConfig):
    """A range test of the two learning rates (Smith 2017, "Cyclical Learning Rates", section 3.3).

    Attributes:
      num_points: rates that are tried, at equal ratios.
      steps_per_point: training steps at each rate.
      min_factor: the first rate, as a multiple of the configured one.
      max_factor: the last one.
      num_seeds: repetitions with other initial weights and another order of the rows.
      probe_rows: held-out rows, at most, whose loss is measured at each rate.
    """

    num_points: int = Field(default=100, ge=10, le=10_000)
    steps_per_point: int = Field(default=3, ge=1)
    min_factor: float = Field(default=1e-3, gt=0, lt=1)
    max_factor: float = Field(default=100.0, gt=1, allow_inf_nan=False)
    num_seeds: int = Field(default=3, ge=1)
    probe_rows: int = Field(default=4096, ge=1)


Scaling = Literal["auto", "fixed", "sqrt", "linear"]


class BatchSizesConfig(StepConfig):
    """A comparison of batch sizes, each double the one before, and of the configured one.

    Attributes:
      min_batch_size: the first one.
      max_batch_size: no larger one is tried, nor one above a tenth of the rows.
      max_logloss_increase: how far (nats) above the lowest held-out logloss the suggestion may lie.
      learning_rate_scaling: how both learning rates follow the batch size: not at all, with its
        square root or linearly. `"auto"`: linearly for SGD (Goyal et al. 2017, "Accurate, Large
        Minibatch SGD"); with the square root for Adam (Malladi et al. 2022, "On the SDEs and
        Scaling Rules for Adaptive Gradient Algorithms"); not at all for Adagrad: it divides by the
        root of the number of steps, so its rate after a number of rows follows by itself.
      max_memory_bytes: a batch size that needs more is out of memory; on CPUs that is the memory of
        the whole process. None: nine tenths of what is free.
    """

    min_batch_size: int = Field(default=64, ge=1)
    max_batch_size: int = Field(default=16_384, ge=1)
    max_logloss_increase: float = Field(default=0.001, ge=0, allow_inf_nan=False)
    learning_rate_scaling: Scaling = "auto"
    max_memory_bytes: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _has_sizes(self) -> "BatchSizesConfig":
        if self.min_batch_size > self.max_batch_size:
            raise ValueError(
                f"min_batch_size: expected at most max_batch_size {self.max_batch_size}, received "
                f"{self.min_batch_size}"
            )
        return self


class SearchField(StepConfig):
    """Which values of a field are tried: those listed, or those between two numbers.

    Attributes:
      values: the list; anything that the field takes.
      min: the lowest one. If both bounds are integers, all values are.
      max: the highest one.
      sampling: whether values between the bounds are as likely, or their logarithms.
    """

    values: tuple[Any, ...] | None = Field(default=None, min_length=1)
    min: int | float | None = None
    max: int | float | None = None
    sampling: Literal["linear", "log"] = "linear"

    @model_validator(mode="after")
    def _is_a_list_or_a_range(self) -> "SearchField":
        has_bounds = self.min is not None and self.max is not None
        is_range = has_bounds and self.values is None
        is_list = self.values is not None and self.min is None and self.max is None
        if not is_range and not is_list:
            raise ValueError("expected either values, or min and max")
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise ValueError(f"expected min below max, received {self.min} and {self.max}")
        if self.sampling == "log" and (self.min is None or self.min <= 0):
            raise ValueError("sampling log: expected min above 0")
        return self

    def examples(self) -> tuple[Any, ...]:
        """Returns the values that are listed, or the bounds."""
        return (self.min, self.max) if self.values is None else self.values


class SearchConfig(StepConfig):
    """A search for the values with the lowest held-out logloss.

    Attributes:
      algorithm: every combination of the listed values (`"grid"`), values drawn at random, or
        Bayesian optimization with a Gaussian process (both by KerasTuner).
      fields: dotted path of a field of `TrainerConfig` -> the values to try.
      max_trials: trainings at most.
      seed: of what is drawn at random.
      parallel_trials: trainings at once, as processes of this machine, each with its share of the
        cores; not with GPUs or TPUs, which belong to one process. Several machines run one training
        each, whatever this is.
    """

    algorithm: Literal["grid", "random", "bayesian"] = "bayesian"
    fields: dict[str, SearchField] = Field(min_length=1)
    max_trials: int = Field(default=20, ge=1)
    seed: int = Field(default=0, ge=0, lt=2**31)
    parallel_trials: int = Field(default=1, ge=1, le=256)

    @model_validator(mode="after")
    def _grid_is_finite(self) -> "SearchConfig":
        if self.algorithm != "grid":
            return self
        num_trials = 1
        for path, field in self.fields.items():
            if field.values is None:
                raise ValueError(f"fields.{path}: expected values, a grid has no range")
            num_trials *= len(field.values)
        if num_trials > self.max_trials:
            raise ValueError(
                f"max_trials: expected at least {num_trials}, the combinations of the grid, "
                f"received {self.max_trials}"
            )
        return self


class TunerConfig(StepConfig):
    """What is looked for, in this order; each part starts from what the one before it found.

    Attributes:
      variant: whose configuration is tuned; None is the Evaluator's baseline. What is found goes to
        all variants.
      max_rows: the last rows of the train split, at most, that are used at all; None is all.
      held_out_fraction: the share of these, the last ones again, that is only evaluated on. The
        eval split is never read: variants are judged by it.
      num_seeds: every logloss that decides is the mean of so many trainings.
      learning_rate_range: looks for the learning rates.
      batch_sizes: looks for the batch size.
      search: looks for values of any fields.
    """

    variant: str | None = None
    max_rows: int | None = Field(default=None, ge=2)
    held_out_fraction: float = Field(default=0.2, gt=0, le=0.5)
    num_seeds: int = Field(default=1, ge=1)
    learning_rate_range: LearningRateRangeConfig | None = None
    batch_sizes: BatchSizesConfig | None = None
    search: SearchConfig | None = None

    @model_validator(mode="after")
    def _has_a_part(self) -> "TunerConfig":
        if not (self.learning_rate_range or self.batch_sizes or self.search):
            raise ValueError("expected learning_rate_range, batch_sizes or search, received none")
        return self

    def check_fields(self, config: TrainerConfig) -> None:
        """Checks that the values to try are allowed in the configuration that is tuned.

        Each is tried by itself; a combination that is not allowed is a failed trial.

        Raises:
          InputError: if one is not, the field does not exist or cannot be tuned.
        """
        if config.device == "multi_worker":
            raise InputError(
                "tuner: expected a device of one machine, which a trial runs on, received "
                "trainer.device multi_worker"
            )
        self.check_device(config.device)
        for path, field in (self.search.fields if self.search else {}).items():
            if path in _FIXED_FIELDS:
                raise InputError(f"tuner.search.fields: {path} cannot be tuned")
            for value in field.examples():
                try:
                    with_values(config, {path: value})
                except InputError as error:
                    raise InputError(f"tuner.search.fields.{path}: {error}") from error

    def check_device(self, device: str) -> None:
        """Checks that trials can run side by side on a device.

        Raises:
          InputError: if they cannot.
        """
        if self.search and self.search.parallel_trials > 1 and device not in ("cpu", "auto"):
            raise InputError(
                f"tuner.search.parallel_trials: expected 1 on device {device}, which belongs to "
                f"one process, received {self.search.parallel_trials}"
            )

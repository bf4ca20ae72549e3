"""Configuration of an optimizer and of its learning rate over the steps."""

from typing import Literal

from pydantic import Field

from schemas.step_config import StepConfig


class ScheduleConfig(StepConfig):
    """A learning rate over the steps of a training.

    Attributes:
      learning_rate: the highest one.
      warmup_fraction: the share of the steps in which it climbs linearly to `learning_rate`.
      decay: how it falls after that, to the last step: not at all, linearly, or as half a cosine
        wave (Loshchilov & Hutter 2017, equation 5).
      final_learning_rate_fraction: the share of `learning_rate` that is left at the last step;
        `"constant"` ignores it.
    """

    learning_rate: float = Field(gt=0, allow_inf_nan=False)
    warmup_fraction: float = Field(default=0.0, ge=0, lt=1)
    decay: Literal["constant", "linear", "cosine"]
    final_learning_rate_fraction: float = Field(default=0.0, ge=0, le=1)

    @property
    def mean_fraction(self) -> float:
        """The mean rate of a training as a share of `learning_rate`."""
        final = 1.0 if self.decay == "constant" else self.final_learning_rate_fraction
        decaying = 0.5 * (1.0 + final)  # linear or half a wave: both are symmetric
        return 0.5 * self.warmup_fraction + (1.0 - self.warmup_fraction) * decaying


class DenseOptimizerConfig(ScheduleConfig):
    """How everything but the tables is trained: every row of the data moves it.

    Its rate falls by default: at a constant rate the last few batches decide the mean prediction,
    which was seen 30 % off the click rate.

    Attributes:
      name: Adagrad (Duchi et al. 2011), SGD, or Adam (Kingma & Ba 2015).
      initial_accumulator_value: where Adagrad's sums of squared gradients start; 0 as in torch.
        The others ignore it.
    """

    name: Literal["adagrad", "sgd", "adam"] = "adagrad"
    learning_rate: float = Field(default=0.02, gt=0, allow_inf_nan=False)
    decay: Literal["constant", "linear", "cosine"] = "linear"
    initial_accumulator_value: float = Field(default=0.0, ge=0, allow_inf_nan=False)


class EmbeddingOptimizerConfig(ScheduleConfig):
    """How the embedding tables are trained: a step touches only the rows of its batch.

    Attributes:
      name: Adagrad; Adagrad with one sum for each row, the mean of its squared gradients (Mudigere
        et al. 2022, section 4.1.4), which needs `1 / width` of the memory; SGD; or Adam whose
        moments decay only when a row is seen ("lazy").
      initial_accumulator_value: where Adagrad's sums start. A row's gradients are tiny: Keras's 0.1
        would drown them, and 0 moves a row by the full learning rate when it is first seen. The
        others ignore it.
    """

    name: Literal["adagrad", "rowwise_adagrad", "sgd", "adam"] = "adagrad"
    learning_rate: float = Field(default=0.04, gt=0, allow_inf_nan=False)
    decay: Literal["constant", "linear", "cosine"] = "constant"
    initial_accumulator_value: float = Field(default=1e-5, ge=0, allow_inf_nan=False)

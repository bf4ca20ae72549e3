"""When the loss of a training has left all reason."""

import math
from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel

from components.errors import InputError
from components.trainer.data import evenly_spread, read_labels

_MAX_WINDOW_STEPS = 100
_MIN_WINDOW_STEPS = 10
_NUM_BAD_WINDOWS = 10
_FACTOR = 2.0


class DivergedError(InputError):
    """The weights of a training are of no use any more; taking it up again would not help."""


class DivergenceCheck(BaseModel):
    """Says when the loss has been absurdly high for many steps.

    The mean of a window (a hundredth of the training, 10 to 100 steps) is absurd if it is more than
    twice the larger of two: the loss of the constant prediction, which a network reaches by its
    last bias alone, and the best window so far, at most the loss of an untrained network (log(2)
    where it is the logloss). Ten windows on end are a divergence: a training that is slow, that
    overfits and starts a new epoch, or that has a bad batch, comes nowhere near; one whose weights
    were thrown far away by too high a learning rate stays there, since the sigmoid is flat.

    Attributes:
      constant_loss: of the constant prediction.
      window_steps: steps of a window.
      best_mean: of a window so far; at first the loss of an untrained network.
      num_bad_windows: on end, up to now.
      window_sum: of the losses of the window that is not full yet.
      window_losses: how many they are.
    """

    constant_loss: float
    window_steps: int
    best_mean: float = math.log(2.0)
    num_bad_windows: int = 0
    window_sum: float = 0.0
    window_losses: int = 0

    @classmethod
    def of_training(
        cls, constant_loss: float, num_steps: int, untrained_loss: float = math.log(2.0)
    ) -> "DivergenceCheck":
        """Makes the check for a training of `num_steps` steps."""
        window_steps = min(max(num_steps // 100, _MIN_WINDOW_STEPS), _MAX_WINDOW_STEPS)
        return cls(constant_loss=constant_loss, window_steps=window_steps, best_mean=untrained_loss)

    def add(self, loss: float) -> bool:
        """Takes the loss of the next step; returns whether the training diverges."""
        self.window_sum += loss
        self.window_losses += 1
        if self.window_losses < self.window_steps:
            return False
        mean = self.window_sum / self.window_losses
        self.num_bad_windows = self.num_bad_windows + 1 if mean > self._limit() else 0
        self.best_mean = min(self.best_mean, mean)
        self.window_sum, self.window_losses = 0.0, 0
        return self.num_bad_windows >= _NUM_BAD_WINDOWS

    def describe(self) -> str:
        """Returns the reason for calling it a divergence."""
        return (
            f"the means of {self.num_bad_windows} times {self.window_steps} losses on end were "
            f"above {self._limit():.4f}, twice the larger of the best such mean "
            f"({self.best_mean:.4f}) and the loss of one prediction for all rows "
            f"({self.constant_loss:.4f})"
        )

    def _limit(self) -> float:
        """The highest mean loss of a window that is not absurd."""
        return _FACTOR * max(self.constant_loss, self.best_mean)


def constant_loss(files: Sequence[str], negative_weight: float) -> float:
    """Returns the lowest logloss (nats) that one prediction for all rows has.

    It is the entropy of the click rate by weight: `-p log(p) - (1 - p) log(1 - p)`.

    Args:
      files: as in `click_rate`.
      negative_weight: likewise.
    """
    rate = click_rate(files, negative_weight)
    if rate in (0.0, 1.0):
        return 0.0
    return -rate * math.log(rate) - (1.0 - rate) * math.log1p(-rate)


def click_rate(files: Sequence[str], negative_weight: float) -> float:
    """Returns the share of the rows with a click, by weight.

    Args:
      files: transformed Parquet files; labels and weights of up to 16 of them, evenly over the
        list, are read.
      negative_weight: what the weight of a row without a click is multiplied by.
    """
    clicks, others, _ = _sums(files, negative_weight)
    return clicks / (clicks + others)


def mean_weight(files: Sequence[str], negative_weight: float) -> float:
    """Returns the mean weight of a row; the arguments are those of `click_rate`."""
    clicks, others, num_rows = _sums(files, negative_weight)
    return (clicks + others) / num_rows


def _sums(files: Sequence[str], negative_weight: float) -> tuple[float, float, int]:
    """Returns the weight of the rows with a click, that of the others, and how many they are."""
    chosen = [read_labels(path) for path in evenly_spread(files)]
    label, weight = map(np.concatenate, zip(*chosen, strict=True))
    clicks = float(weight[label > 0].sum(dtype=np.float64))
    others = negative_weight * float(weight[label == 0].sum(dtype=np.float64))
    return clicks, others, len(label)

"""What the losses of a learning-rate range test say."""

import math
from dataclasses import dataclass

import numpy as np

_SMOOTHING_DECADES = 0.1
_MIN_SIGNAL = 2.0
_TOP_SHARE = 0.8


@dataclass(frozen=True)
class RangeReading:
    """What a range test says about the learning rate of one part of a network.

    Attributes:
      loss: at each rate, the median over the seeds, nats; None where most of them had ended.
      gain: how much lower the loss is than that of the same training with the part at rest;
        smoothed.
      steepest: the rate at which the gain grows fastest with the logarithm of the rate.
      best: the rate with the largest gain.
      last_stable: the last rate, from `best` on, at which the network beats one prediction for all
        rows.
      suggested: for a whole training, or None where the gain is not above the noise.
      is_at_edge: whether a still lower or higher rate might be better.
    """

    loss: tuple[float | None, ...]
    gain: tuple[float, ...]
    steepest: float
    best: float
    last_stable: float
    suggested: float | None
    is_at_edge: bool


def read_range_test(
    rates: np.ndarray,
    losses: np.ndarray,
    losses_at_rest: np.ndarray,
    constant_loss: float,
    schedule_mean: float = 1.0,
) -> RangeReading:
    """Reads the losses of a range test.

    There is a suggestion if the largest smoothed gain is twice its standard error over the seeds:
    the middle of the rates around it that have four fifths of it, divided by the mean of the
    schedule, since a rate is tried as it is and configured as the highest of a training. The
    steepest rate, which is often recommended, was 2 to 60 times too low: a DLRM sees its rows once.

    Args:
      rates: ascending at equal ratios, `[num_points]`.
      losses: nats, `[num_seeds, num_points]`; not finite from where a training was ended.
      losses_at_rest: of the same trainings with rate 0, all finite.
      constant_loss: of one prediction for all rows.
      schedule_mean: the mean rate of a training as a share of its highest one.
    """
    limit = divergence_limit(constant_loss)
    # The loss of a training that has diverged says nothing more by being higher still.
    clipped = np.where(np.isfinite(losses), np.minimum(losses, limit), limit)
    gains = losses_at_rest - clipped
    points_per_decade = (len(rates) - 1) / math.log10(rates[-1] / rates[0])
    width = _SMOOTHING_DECADES * points_per_decade
    gain = smooth(np.median(gains, axis=0), width)
    best = int(np.argmax(gain))
    rises = np.diff(gain[: best + 1]) if best else np.zeros(1)
    stable = smooth(np.median(clipped, axis=0), width)[best:] < constant_loss
    num_stable = len(stable) if stable.all() else int(np.argmin(stable))
    errors = [smooth(each, width)[best] for each in gains]
    standard_error = np.std(errors, ddof=1) / math.sqrt(len(errors)) if len(errors) > 1 else 0.0
    is_signal = gain[best] > _MIN_SIGNAL * standard_error
    suggested = _middle_of_top(rates, gain) / schedule_mean
    median = np.median(np.where(np.isfinite(losses), losses, np.inf), axis=0)
    return RangeReading(
        loss=tuple(float(value) if math.isfinite(value) else None for value in median),
        gain=tuple(map(float, gain)),
        steepest=float(rates[np.argmax(rises)]),
        best=float(rates[best]),
        last_stable=float(rates[max(best, best + num_stable - 1)]),
        suggested=suggested if is_signal else None,
        is_at_edge=best in (0, len(rates) - 1),
    )


def _middle_of_top(rates: np.ndarray, gain: np.ndarray) -> float:
    """The geometric mean of the first and the last rate that a broad top reaches to."""
    first = last = int(np.argmax(gain))
    lowest = _TOP_SHARE * gain[first]
    while first > 0 and gain[first - 1] >= lowest:
        first -= 1
    while last < len(gain) - 1 and gain[last + 1] >= lowest:
        last += 1
    return math.sqrt(float(rates[first]) * float(rates[last]))


def divergence_limit(constant_loss: float) -> float:
    """Returns the loss from which on a training has diverged.

    It is twice that of one prediction for all rows.
    """
    return 2.0 * constant_loss


def smooth(values: np.ndarray, width: float) -> np.ndarray:
    """Returns the mean around each value with the weights of a normal distribution.

    Args:
      values: `[num_points]`.
      width: the standard deviation, in points.
    """
    points = np.arange(len(values))
    weights = np.exp(-0.5 * ((points[:, None] - points[None, :]) / width) ** 2)
    return weights @ values / weights.sum(axis=1)

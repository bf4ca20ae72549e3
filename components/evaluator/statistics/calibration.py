"""Rows of similar predictions: what was predicted, and what came."""

import math

import numpy as np
from scipy import special

from components.evaluator.metric_result import CalibrationBin
from components.evaluator.statistics.ranking import Ranking

BIN_SUMS = "bins"


def wilson_interval(num_clicks: float, num_rows: float, confidence: float) -> tuple[float, float]:
    """Returns the ends of a click rate's interval (Wilson 1927).

    Args:
      num_clicks: 0 or more.
      num_rows: 1 or more.
      confidence: of the interval, two-sided.
    """
    z = float(special.ndtri((1.0 + confidence) / 2.0))
    rate = num_clicks / num_rows
    middle = (rate + z * z / (2.0 * num_rows)) / (1.0 + z * z / num_rows)
    spread = math.sqrt(rate * (1.0 - rate) / num_rows + (z / (2.0 * num_rows)) ** 2)
    half_width = z * spread / (1.0 + z * z / num_rows)
    return max(0.0, middle - half_width), min(1.0, middle + half_width)


def bin_sums(ranking: Ranking) -> np.ndarray:
    """Returns what `calibration_bins` takes of the rows."""
    weights = ranking.weights
    terms = [np.ones(len(weights)), weights, weights**2]
    terms += [weights * ranking.predictions, weights * ranking.is_click]
    starts = np.append(0, ranking.bin_ends[:-1])
    return np.add.reduceat(np.stack(terms, axis=1), starts, axis=0)


def calibration_bins(bins: np.ndarray, confidence: float) -> tuple[CalibrationBin, ...]:
    """Returns the bins by rising prediction.

    Args:
      bins: float64 `[num_bins, 5]`: of each bin, by falling prediction, the number of rows and the
        sums of weights, squared weights, predictions and clicks by weight, from `bin_sums`.
      confidence: of the click rates' intervals. Rows of unequal weight say as much as
        (sum of weights)^2 / (sum of squared weights) rows of equal weight (Kish 1965).
    """
    results = []
    for num_rows, weight, squares, predictions, clicks in bins[::-1].tolist():
        low, high = wilson_interval(clicks * weight / squares, weight**2 / squares, confidence)
        results.append(
            CalibrationBin(
                num_rows=int(num_rows),
                mean_prediction=predictions / weight,
                click_rate=clicks / weight,
                low=low,
                high=high,
            )
        )
    return tuple(results)

"""Rows of similar predictions: what was predicted, and what came."""

import math

import numpy as np
from scipy import special

from components.evaluator.comparison import CalibrationBin


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


def calibration_bins(bins: np.ndarray, confidence: float) -> tuple[CalibrationBin, ...]:
    """Returns the bins by rising prediction.

    Args:
      bins: float64 `[num_bins, 3]`: rows, sum of predictions and clicks of each bin, by falling
        prediction, as `WeightedSums.bins` of the rows themselves.
      confidence: of the click rates' intervals.
    """
    results = []
    for num_rows, predictions, num_clicks in bins[::-1].tolist():
        low, high = wilson_interval(num_clicks, num_rows, confidence)
        results.append(
            CalibrationBin(
                num_rows=int(num_rows),
                mean_prediction=predictions / num_rows,
                click_rate=num_clicks / num_rows,
                low=low,
                high=high,
            )
        )
    return tuple(results)

"""The metrics of one variant on some of the rows, with analytic errors.

There are hundreds of slices and each holds few of the rows, so they are not resampled. An error is
that of a mean: of placements for auc_roc (`delong`), of influences for the others (delta method).
The influence of a row is what the metric would change by, to first order, with more of such rows.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from components.evaluator.statistics.delong import placement_error, placements
from components.evaluator.statistics.metrics import entropy
from components.evaluator.statistics.weighted_sums import row_losses

SLICE_METRICS = ("auc_roc", "logloss", "normalized_entropy", "calibration")


class SliceMetric(NamedTuple):
    """One metric of one variant on some rows.

    Attributes:
      values: float64 `[num_replicas]`.
      influences: float64 `[num_rows]`, of the mean over the replicas; placements for auc_roc.
    """

    values: np.ndarray
    influences: np.ndarray


def slice_metrics(is_click: np.ndarray, replicas: Sequence[np.ndarray]) -> dict[str, SliceMetric]:
    """Returns the metrics that are defined on the rows.

    auc_roc needs two rows of each class for its error, normalized_entropy both classes, calibration
    a click.

    Args:
      is_click: bool `[num_rows]`.
      replicas: the predictions of each, float32 `[num_rows]`.
    """
    num_rows, num_clicks = len(is_click), int(np.count_nonzero(is_click))
    predictions = [each.astype(np.float64) for each in replicas]
    losses = [row_losses(each, is_click) for each in predictions]
    logloss = np.array([np.mean(each) for each in losses])
    loss_excess = _mean(losses) - np.mean(logloss)
    found = {}
    if 2 <= num_clicks <= num_rows - 2:
        placed = [placements(is_click, each) for each in replicas]
        aucs = np.array([np.mean(each[is_click]) for each in placed])
        found["auc_roc"] = SliceMetric(aucs, _mean(placed))
    found["logloss"] = SliceMetric(logloss, loss_excess)
    rate = num_clicks / num_rows
    if 0 < num_clicks < num_rows:
        own_entropy = float(entropy(np.array(rate)))
        # The entropy's derivative by the rate is log((1 - rate) / rate).
        slope = np.mean(logloss) / own_entropy * math.log((1.0 - rate) / rate)
        influences = (loss_excess - slope * (is_click - rate)) / own_entropy
        found["normalized_entropy"] = SliceMetric(logloss / own_entropy, influences)
    if num_clicks:
        ratios = np.array([np.mean(each) / rate for each in predictions])
        influences = (_mean(predictions) - np.mean(ratios) * is_click) / rate
        found["calibration"] = SliceMetric(ratios, influences)
    return found


def metric_error(
    name: str, is_click: np.ndarray, own: SliceMetric, baseline: SliceMetric | None = None
) -> float:
    """Returns the standard error of a metric, or of its difference to the baseline's.

    Args:
      name: of the metric.
      is_click: bool `[num_rows]`.
      own: of the variant.
      baseline: the other one on the same rows.
    """
    influences = own.influences if baseline is None else own.influences - baseline.influences
    if name == "auc_roc":
        return placement_error(is_click, influences)
    # The mean influence is 0. (A dot product would start threads for so little.)
    num_rows = len(influences)
    return math.sqrt(float(np.sum(influences**2)) / (num_rows - 1) / num_rows)


def _mean(columns: Sequence[np.ndarray]) -> np.ndarray:
    return columns[0] if len(columns) == 1 else np.mean(columns, axis=0)

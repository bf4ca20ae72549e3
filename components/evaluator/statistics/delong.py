"""The error of an auc_roc, and of the difference of two, without resampling.

DeLong, DeLong and Clarke-Pearson (1988) in the form of Sun and Xu (2014): ranks instead of pairs.
The placement of a click is the share of the other rows with a lower prediction, that of another row
the share of the clicks with a higher one; equal predictions count half. The mean placement of
either class is the auc_roc. Placements of several columns on the same rows may be averaged or
subtracted row by row, which gives the error of the mean or of the paired difference.
"""

import math

import numpy as np


def placements(is_click: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Returns the placement of each row.

    Args:
      is_click: bool `[num_rows]`; both classes occur.
      predictions: float `[num_rows]`.

    Returns:
      float64 `[num_rows]`.
    """
    order = np.argsort(predictions)
    ordered, clicks = predictions[order], is_click[order]
    starts = np.append(0, np.flatnonzero(ordered[1:] != ordered[:-1]) + 1)
    # Clicks and rows below each group of equal predictions, and below the next one.
    clicks_below = np.append(0, np.cumsum(clicks))[np.append(starts, len(order))]
    rows_below = np.append(starts, len(order))
    group = np.zeros(len(order), np.int64)
    group[starts[1:]] = 1
    group = np.cumsum(group)
    # Equal ones count half.
    clicks_rank = (clicks_below[:-1] + clicks_below[1:]) / 2
    others_rank = (rows_below[:-1] + rows_below[1:]) / 2 - clicks_rank
    num_clicks = clicks_below[-1]
    of_click = others_rank / (len(order) - num_clicks)
    of_other = 1.0 - clicks_rank / num_clicks
    placed = np.empty(len(order))
    placed[order] = np.where(clicks, of_click[group], of_other[group])
    return placed


def placement_error(is_click: np.ndarray, placed: np.ndarray) -> float:
    """Returns the standard error of the mean placement.

    Args:
      is_click: bool `[num_rows]`; two rows of each class occur.
      placed: float64 `[num_rows]`: the placements of one column, or a mean or difference of those
        of several.
    """
    classes = (placed[is_click], placed[~is_click])
    return math.sqrt(sum(np.var(each, ddof=1) / len(each) for each in classes))

"""The error of an auc_roc, and of the difference of two, without resampling.

DeLong, DeLong and Clarke-Pearson (1988) in the form of Sun and Xu (2014): ranks instead of pairs.
The placement of a click is the share of the other rows with a lower prediction, that of another row
the share of the clicks with a higher one; equal predictions count half. The mean placement of
either class is the auc_roc.

Rows may have weights. With clicks i, others j and psi = 1, 1/2 or 0, the area is

    A = sum_ij w_i w_j psi_ij / (W_clicks W_others).

More of rows like i raise the sum above by w_i V_i W_other, with its placement V_i as a share of
weight, and one factor below by w_i. To first order A so changes by w_i (V_i - A) / W_class, and

    error^2 = sum over both classes of m / (m - 1) sum_i (w_i (V_i - A) / W_class)^2

for m rows of the class. With equal weights this is DeLong's: the variance of either class's
placements by m. The influences of several columns on the same rows may be averaged or subtracted
row by row, which gives the error of the mean or of the paired difference.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from components.evaluator.statistics.ranking import falling_order

_SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")


class RisingRows:
    """Rows by rising prediction.

    Attributes:
      rows: int64 `[num_rows]`, the numbers of the rows.
      group: int64 `[num_rows]`, equal for equal predictions, in that order.
    """

    def __init__(self, predictions: np.ndarray) -> None:
        """Sorts.

        Args:
          predictions: float32 `[num_rows]`, finite, 0 or more.
        """
        self.rows = np.ascontiguousarray(falling_order(predictions)[::-1])
        ordered = predictions[self.rows]
        self.group = np.cumsum(np.append(False, ordered[1:] != ordered[:-1]))


class Areas(NamedTuple):
    """The auc_roc of the rows of each slice.

    Attributes:
      values: float64 `[num_slices]`; NaN with less than two rows of either class.
      influences: float64 `[num_rows]`, by row, 0 where there is no area: the sum of their squares
        over a slice is the squared standard error.
    """

    values: np.ndarray
    influences: np.ndarray


class Slices:
    """The slices of one key.

    Attributes:
      places: integers `[num_rows]`: each row's slice, -1 for none.
      count: how many slices there are.
    """

    def __init__(self, places: np.ndarray, count: int) -> None:
        """Takes the places."""
        # numpy sorts numbers of 8 or 16 bits by counting.
        self.places = places.astype(np.min_scalar_type(-max(1, count)))
        self.count = count
        self._bins = self.places.astype(np.int64) + 1

    def parts(self, rows: np.ndarray) -> list[np.ndarray]:
        """Returns the positions in `rows`, int64 `[num_rows]`, of each slice's rows, in order."""
        by_place = np.argsort(self.places[rows], kind="stable")
        sizes = np.bincount(self._bins, minlength=self.count + 1)
        return np.split(by_place, np.cumsum(sizes))[1:-1]

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Returns the sum over the rows of each slice, float64 `[num_slices]`.

        Args:
          values: float64 `[num_rows]`, by row.
        """
        return np.bincount(self._bins, values, self.count + 1)[1:]


def areas(
    rising: RisingRows, slices: Slices, is_click: np.ndarray, weights: np.ndarray | None = None
) -> Areas:
    """Returns the areas of the slices and what each row adds to their errors.

    Args:
      rising: the rows.
      slices: which slice they are in.
      is_click: bool `[num_rows]`.
      weights: float64 `[num_rows]`, above 0; None are ones.
    """
    values = np.full(slices.count, np.nan)
    influences = np.zeros(len(is_click))
    for index, part in enumerate(slices.parts(rising.rows)):
        rows, group = rising.rows[part], rising.group[part]
        click = is_click[rows]
        classes = np.flatnonzero(click), np.flatnonzero(~click)
        if min(map(len, classes)) < 2:
            continue
        weight = None if weights is None else [weights[rows[own]] for own in classes]
        below = _below(group, classes, weight)
        sums = [len(own) for own in classes] if weight is None else [np.sum(w) for w in weight]
        placed = below[0] / sums[1], 1.0 - below[1] / sums[0]
        values[index] = np.average(placed[0], weights=weight and weight[0])
        for kind, own in enumerate(classes):
            scale = np.sqrt(len(own) / (len(own) - 1)) / sums[kind]
            each = (placed[kind] - values[index]) * scale
            influences[rows[own]] = each if weight is None else each * weight[kind]
    return Areas(values, influences)


def _below(
    group: np.ndarray, classes: Sequence[np.ndarray], weights: Sequence[np.ndarray] | None
) -> list[np.ndarray]:
    """Returns the weight of the other class below each row of either; equal ones count half.

    Args:
      group: int64 `[num_rows]`, increasing: the rows' predictions.
      classes: the positions of the rows of each class, increasing.
      weights: of these rows; None are ones.
    """
    is_tied = np.append(group[1:] == group[:-1], False)
    is_tied[1:] |= is_tied[:-1]
    found = []
    for kind, (own, other) in enumerate((classes, classes[::-1])):
        # As many of the others as there are rows but those of the own class; then their weight.
        ends = [own - np.arange(len(own))] * 2
        tied = np.flatnonzero(is_tied[own])
        if len(tied):
            ends = [end.copy() for end in ends]
            for end, side in zip(ends, _SIDES, strict=True):
                end[tied] = np.searchsorted(group[other], group[own[tied]], side)
        if weights is not None:
            up_to = np.append(0.0, np.cumsum(weights[1 - kind]))
            ends = [up_to[end] for end in ends]
        found.append((ends[0] + ends[1]) / 2)
    return found

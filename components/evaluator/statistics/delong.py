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

from typing import NamedTuple

import numpy as np

from components.evaluator.statistics.compiled import compiled
from components.evaluator.statistics.ranking import FallingRows
from components.evaluator.statistics.slice_places import SlicePlaces


class Areas(NamedTuple):
    """The auc_roc of the rows of each slice.

    Attributes:
      values: float64 `[num_slices]`; NaN with less than two rows of either class.
      influences: float64 `[num_rows, num_keys]`, of each row on its slice of the key, 0 where there
        is no area: the sum of their squares over a slice is the squared standard error.
    """

    values: np.ndarray
    influences: np.ndarray


class SlicedClasses:
    """The rows of either class and their slices."""

    def __init__(self, slices: SlicePlaces, is_click: np.ndarray, weights: np.ndarray) -> None:
        """Counts.

        Args:
          slices: which slices the rows are in.
          is_click: bool `[num_rows]`.
          weights: float64 `[num_rows]`, above 0.
        """
        self._slices = slices
        self._of_rows = slices.places, is_click, weights

        def terms(rows: slice) -> list[np.ndarray]:
            classes = [~is_click[rows], is_click[rows]]
            return [*classes, *(weights[rows] * each for each in classes)]

        # Both `[2, num_slices]`: of the others, of the clicks.
        self._num_rows, self._totals = slices.sums(terms).reshape(2, 2, -1)

    def areas(self, predictions: np.ndarray) -> Areas:
        """Returns the areas of the slices and what each row adds to their errors.

        Args:
          predictions: float32 `[num_rows]`, finite, 0 or more.
        """
        order = FallingRows(predictions)
        # In the order of the predictions: the kernels wait for memory where they jump in it.
        of_rows = [np.take(each, order.rows, axis=0) for each in self._of_rows]
        placed = np.empty(self._slices.places.shape)
        inverted = np.zeros(self._slices.count + 1)
        _place(*of_rows, order.is_tied, order.is_last, inverted, placed)
        has_area = np.min(self._num_rows, axis=0) >= 2
        num_rows, totals = (np.where(has_area, x, np.nan) for x in (self._num_rows, self._totals))
        area = 1.0 - inverted[:-1] / np.prod(totals, axis=0)
        # A click's placement is a share of the others, and falls with their weight above it.
        factors = np.stack([1.0 / totals[1], -1.0 / totals[0]])
        offsets = np.stack([-area, 1.0 - area])
        scale = np.sqrt(num_rows / (num_rows - 1.0)) / totals
        _scale(*of_rows, *(_of_places(each * scale) for each in (factors, offsets)), placed)
        position = np.empty_like(order.rows)
        position[order.rows] = np.arange(len(position))
        return Areas(area, np.take(placed, position, axis=0))


def _of_places(values: np.ndarray) -> np.ndarray:
    """Returns values of slices, 0 where there is none, and of rows in no slice: 0."""
    return np.pad(np.nan_to_num(values), ((0, 0), (0, 1)))


@compiled(
    "void(int32[:, ::1], boolean[::1], float64[::1], boolean[::1], boolean[::1],"
    "float64[::1], float64[:, ::1])"
)
def _place(
    places: np.ndarray,
    is_click: np.ndarray,
    weights: np.ndarray,
    is_tied: np.ndarray,
    is_last: np.ndarray,
    inverted: np.ndarray,
    placed: np.ndarray,
) -> None:
    """Finds for each row and key the weight of the other class above it; equal ones count half.

    Args:
      places: int32 `[num_rows, num_keys]`, by falling prediction, as are the others.
      is_click: bool `[num_rows]`.
      weights: float64 `[num_rows]`.
      is_tied: bool `[num_rows]`.
      is_last: bool `[num_rows]`.
      inverted: float64 `[num_slices + 1]`, zeros: becomes the weight of the pairs of a click and
        another row above it.
      placed: float64 `[num_rows, num_keys]`, is filled.
    """
    num_rows, num_keys = places.shape
    above = np.zeros((2, len(inverted)))
    tied = np.zeros((2, len(inverted)))
    first = 0
    for row in range(num_rows):
        click = int(is_click[row])
        if is_tied[row]:
            for place in places[row]:
                tied[click, place] += weights[row]
        if not is_last[row]:
            continue
        for member in range(first, row + 1):
            click = int(is_click[member])
            for key in range(num_keys):
                place = places[member, key]
                weight = above[1 - click, place] + tied[1 - click, place] / 2
                placed[member, key] = weight
                inverted[place] += click * weights[member] * weight
        for member in range(first, row + 1):
            for place in places[member]:
                above[int(is_click[member]), place] += weights[member]
                tied[:, place] = 0.0
        first = row + 1


@compiled(
    "void(int32[:, ::1], boolean[::1], float64[::1],"
    "float64[:, ::1], float64[:, ::1], float64[:, ::1])"
)
def _scale(
    places: np.ndarray,
    is_click: np.ndarray,
    weights: np.ndarray,
    factors: np.ndarray,
    offsets: np.ndarray,
    placed: np.ndarray,
) -> None:
    """Makes influences of what `_place` found, in place.

    Args:
      places: int32 `[num_rows, num_keys]`.
      is_click: bool `[num_rows]`.
      weights: float64 `[num_rows]`.
      factors: float64 `[2, num_slices + 1]`, for others and for clicks.
      offsets: float64 `[2, num_slices + 1]`.
      placed: float64 `[num_rows, num_keys]`.
    """
    for row in range(len(places)):
        kind = int(is_click[row])
        for key in range(places.shape[1]):
            place = places[row, key]
            placed[row, key] *= factors[kind, place]
            placed[row, key] += offsets[kind, place]
            placed[row, key] *= weights[row]

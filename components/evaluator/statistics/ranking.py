"""The eval rows in falling order of a column of predictions, in chunks that split no tie."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

NUM_BINS = 20


def falling_order(predictions: np.ndarray) -> np.ndarray:
    """Returns the rows by falling prediction, equal ones in their order; int64 `[num_rows]`.

    Args:
      predictions: float32 `[num_rows]`, 0 or more: as such they have the order of their bits.
    """
    bits = ~np.ascontiguousarray(predictions + np.float32(0)).view(np.uint32)  # -0.0 + 0 is 0.0
    # numpy sorts numbers of 16 bits by counting.
    order = np.argsort(bits.astype(np.uint16), kind="stable")
    high = (bits >> np.uint32(16)).astype(np.uint16)
    return order[np.argsort(high[order], kind="stable")]


class Ranking:
    """Rows sorted by prediction, the highest first.

    Rows with equal predictions are a group. A bin is the groups whose middle lies in one twentieth
    of the rows' weight, so bins weigh alike but for ties and heavy rows, and do not depend on the
    rows' order.

    Attributes:
      rows: int64 `[num_rows]`, the numbers of the rows.
      predictions: float32 `[num_rows]`.
      is_click: bool `[num_rows]`.
      weights: float64 `[num_rows]`; None where all rows weigh 1.
      bin_ends: where in that order a bin ends, increasing; the last one is `num_rows`.
      num_above: how many predictions are at the threshold or above.
    """

    def __init__(
        self,
        labels: np.ndarray,
        predictions: np.ndarray,
        threshold: float,
        weights: np.ndarray | None = None,
    ) -> None:
        """Sorts.

        Args:
          labels: bool `[num_rows]`, in the order of the rows; at least one row.
          predictions: float32 `[num_rows]`, finite, 0 or more.
          threshold: from which prediction on a row counts as a click.
          weights: float `[num_rows]`, above 0; None are ones.
        """
        num_rows = len(labels)
        self.rows = falling_order(predictions)
        self.predictions = predictions[self.rows]
        self.is_click = labels[self.rows]
        self.weights = None if weights is None else weights[self.rows].astype(np.float64)
        changes = np.flatnonzero(self.predictions[1:] != self.predictions[:-1]) + 1
        self._edges = np.concatenate([[0], changes, [num_rows]])
        weight_above = self._edges
        if self.weights is not None:
            weight_above = np.append(0.0, np.cumsum(self.weights))[self._edges]
        twice_middle = weight_above[:-1] + weight_above[1:]
        bins = NUM_BINS * twice_middle // (2 * weight_above[-1])
        self.bin_ends = np.append(self._edges[1:-1][bins[1:] != bins[:-1]], num_rows)
        self.num_above = int(np.count_nonzero(self.predictions.astype(np.float64) >= threshold))

    def num_ties(self, edges: Sequence[int]) -> np.ndarray:
        """Returns how many rows equal the one before them in each part, int64 `[num_parts]`.

        Args:
          edges: where the parts start, then where the last one stops; between groups.
        """
        groups = np.searchsorted(self._edges, edges)
        return np.diff(edges) - np.diff(groups)

    def chunks(self, max_rows: int) -> Iterator[tuple[int, int]]:
        """Yields where chunks start and stop in the order.

        A chunk lies in one bin and on one side of the threshold, and has `max_rows` at most, or is
        one group.
        """
        cuts = np.unique(np.concatenate([[0, self.num_above], self.bin_ends])).tolist()
        for start, end in pairwise(cuts):
            while start < end:
                stop = end
                if end - start > max_rows:
                    after = np.searchsorted(self._edges, start + max_rows, side="right")
                    stop = int(self._edges[after - 1])
                    if stop == start:
                        stop = int(self._edges[after])
                yield start, stop
                start = stop

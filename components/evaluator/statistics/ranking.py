"""The eval rows in falling order of a column of predictions, in chunks that split no tie."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

NUM_BINS = 20


class Ranking:
    """Rows sorted by prediction, the highest first.

    Rows with equal predictions are a group. A bin is the groups whose middle lies in one twentieth
    of the rows, so bins have equally many rows but for ties, and do not depend on the rows' order.

    Attributes:
      rows: int64 `[num_rows]`, the numbers of the rows.
      predictions: float32 `[num_rows]`.
      is_click: bool `[num_rows]`.
      bin_ends: where in that order a bin ends, increasing; the last one is `num_rows`.
      num_above: how many predictions are at the threshold or above.
    """

    def __init__(self, labels: np.ndarray, predictions: np.ndarray, threshold: float) -> None:
        """Sorts.

        Args:
          labels: bool `[num_rows]`, in the order of the rows; at least one row.
          predictions: float32 `[num_rows]`, finite.
          threshold: from which prediction on a row counts as a click.
        """
        num_rows = len(labels)
        self.rows = np.argsort(-predictions, kind="stable")
        self.predictions = predictions[self.rows]
        self.is_click = labels[self.rows]
        changes = np.flatnonzero(self.predictions[1:] != self.predictions[:-1]) + 1
        self._edges = np.concatenate([[0], changes, [num_rows]])
        twice_middle = self._edges[:-1] + self._edges[1:] - 1
        bins = NUM_BINS * twice_middle // (2 * num_rows)
        self.bin_ends = np.append(self._edges[1:-1][bins[1:] != bins[:-1]], num_rows)
        self.num_above = int(np.count_nonzero(self.predictions.astype(np.float64) >= threshold))

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

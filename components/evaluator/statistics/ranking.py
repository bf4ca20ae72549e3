"""The eval rows in falling order of a column of predictions."""

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


class FallingRows:
    """Rows by falling prediction; those with equal predictions are a group.

    Attributes:
      rows: int64 `[num_rows]`, the numbers of the rows.
      predictions: float32 `[num_rows]`, in that order, as are the others.
      is_last: bool `[num_rows]`, of its group.
      is_tied: bool `[num_rows]`, whether its group has another row.
    """

    def __init__(self, predictions: np.ndarray) -> None:
        """Sorts.

        Args:
          predictions: float32 `[num_rows]`, finite, 0 or more; at least one.
        """
        self.rows = falling_order(predictions)
        self.predictions = predictions[self.rows]
        changes = self.predictions[1:] != self.predictions[:-1]
        self.is_last = np.append(changes, True)
        self.is_tied = ~(np.append(True, changes) & self.is_last)


class Ranking(FallingRows):
    """Rows with labels and weights.

    A bin is the groups whose middle lies in one twentieth of the rows' weight, so bins weigh alike
    but for ties and heavy rows, and do not depend on the rows' order.

    Attributes:
      is_click: bool `[num_rows]`.
      weights: float64 `[num_rows]`.
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
        super().__init__(predictions)
        self.is_click = labels[self.rows]
        self.weights = np.ones(len(labels))
        if weights is not None:
            self.weights = weights[self.rows].astype(np.float64)
        ends = np.flatnonzero(self.is_last) + 1
        weight_above = np.append(0.0, np.cumsum(self.weights)[ends - 1])
        twice_middle = weight_above[:-1] + weight_above[1:]
        bins = NUM_BINS * twice_middle // (2 * weight_above[-1])
        self.bin_ends = ends[np.append(bins[1:] != bins[:-1], True)]
        self.num_above = int(np.count_nonzero(self.predictions.astype(np.float64) >= threshold))

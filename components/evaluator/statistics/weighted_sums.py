"""All that the metrics need to know of one column of predictions, in many resamples at once.

One pass over the rows, best first, adds up the weights of a block of resamples, chunk by chunk, so
that what is worked on stays in the processor's cache. Weights are small integers and their sums
exact, ties are treated as ties, and nothing is approximated.
"""

from collections.abc import Callable

import numpy as np

from components.evaluator.statistics.ranking import Ranking

# A float32 probability may be exactly 0 or 1. Keras keeps logloss finite with the same margin.
MARGIN = 1e-7
# Numbers that a chunk has: rows times resamples. Few enough for the second cache, enough that
# threads seldom wait for the interpreter.
_CHUNK_SIZE = 2**18
_MIN_COLUMNS = 64

# Row numbers int64 `[num_rows]` to weights uint8 `[num_rows, num_resamples]`.
Weigh = Callable[[np.ndarray], np.ndarray]


def row_losses(predictions: np.ndarray, is_click: np.ndarray) -> np.ndarray:
    """Returns the logloss of each row in nats.

    Args:
      predictions: float64 `[num_rows]`; clipped by `MARGIN`.
      is_click: bool `[num_rows]`.
    """
    clipped = np.clip(predictions, MARGIN, 1.0 - MARGIN)
    return -np.log(np.where(is_click, clipped, 1.0 - clipped))


def _running_sums(weights: np.ndarray) -> np.ndarray:
    """Returns the sums over the rows up to and with each, int16 or int32 `[num_rows, num_columns]`.

    `np.cumsum` keeps Python's lock, which would leave all threads but one waiting. Where there are
    columns enough, sums over 2, 4, 8, ... rows are faster, and let go of it.

    Args:
      weights: uint8 `[num_rows, num_columns]`.
    """
    num_rows, num_columns = weights.shape
    if num_columns < _MIN_COLUMNS or num_rows < 2:
        return np.cumsum(weights, axis=0, dtype=np.int32)
    is_small = num_rows * int(weights.max()) < 2**15
    sums = weights.astype(np.int16 if is_small else np.int32)
    other = np.empty_like(sums)
    step = 1
    while step < num_rows:
        other[:step] = sums[:step]
        np.add(sums[step:], sums[:-step], out=other[step:])
        sums, other = other, sums
        step *= 2
    return sums


class WeightedSums:
    """Sums over the rows, each float64 `[num_resamples]`.

    Attributes:
      weight: of all rows.
      clicks: weight of the clicks.
      predictions: sum of the predictions.
      losses: sum of the rows' logloss.
      squared_errors: sum of (prediction - label)^2.
      inverted_pairs: weight of the pairs of a click and another row in which the click has the
        lower prediction; equal ones count half.
      precisions: sum over the clicks of the precision at their prediction.
      weight_above: of the rows at the threshold or above.
      clicks_above: of the clicks among them.
      bins: float64 `[num_bins, 3, num_resamples]`: weight, predictions and clicks of each bin, by
        falling prediction.
    """

    def __init__(self, ranking: Ranking, weigh: Weigh, num_resamples: int) -> None:
        """Adds up.

        Args:
          ranking: the rows.
          weigh: their weights.
          num_resamples: how many weights a row has.
        """
        self._ranking = ranking
        self._weigh = weigh
        self._max_rows = max(1, _CHUNK_SIZE // num_resamples)
        self.weight, self.clicks, self.predictions, self.losses, self.squared_errors = np.zeros(
            (5, num_resamples)
        )
        self.precisions = np.zeros(num_resamples)
        # Weight of the rows at or above each click, equal ones counted half.
        self._ranks = np.zeros(num_resamples)
        self.weight_above, self.clicks_above = np.zeros((2, num_resamples))
        self.bins = np.zeros((len(ranking.bin_ends), 3, num_resamples))
        bin_index = 0
        for start, stop in ranking.chunks(self._max_rows):
            self._add_chunk(start, stop)
            if stop == ranking.num_above:
                self.weight_above, self.clicks_above = self.weight, self.clicks
            if stop == ranking.bin_ends[bin_index]:
                self.bins[bin_index] = (self.weight, self.predictions, self.clicks)
                bin_index += 1
        self.bins[1:] -= self.bins[:-1].copy()
        self.inverted_pairs = self._ranks - self.clicks**2 / 2

    def _add_chunk(self, start: int, stop: int) -> None:
        ranking = self._ranking
        if stop - start > self._max_rows:
            self._add_group(start, stop)
            return
        weights = self._weigh(ranking.rows[start:stop])
        is_click = ranking.is_click[start:stop]
        predictions = ranking.predictions[start:stop].astype(np.float64)
        self._add_terms(predictions, is_click, weights.astype(np.float64))
        above = _running_sums(weights)
        clicks = np.flatnonzero(is_click)
        if len(clicks):
            self._add_clicks(predictions, clicks, weights, above)
            self.clicks = self.clicks + weights[clicks].sum(axis=0, dtype=np.int64)
        self.weight = self.weight + above[-1]

    def _add_clicks(
        self, predictions: np.ndarray, clicks: np.ndarray, weights: np.ndarray, above: np.ndarray
    ) -> None:
        """Adds what depends on the order, for the clicks of a chunk at positions `clicks`."""
        starts = np.flatnonzero(np.append(True, predictions[1:] != predictions[:-1]))
        ends = np.append(starts[1:], len(predictions))
        group = np.searchsorted(starts, clicks, side="right") - 1
        first, last = starts[group], ends[group] - 1
        last_click = np.searchsorted(clicks, last, side="right") - 1
        own = weights[clicks]
        clicks_to_end = _running_sums(own)[last_click] + self.clicks
        to_end = above[last]
        twice_middle = to_end.astype(np.int32) + above[first] - weights[first]
        own = own.astype(np.float64)
        self._ranks += np.einsum("ij,ij->j", own, twice_middle) / 2 + own.sum(axis=0) * self.weight
        clicks_to_end *= own
        clicks_to_end /= np.maximum(to_end + self.weight, 1.0)
        self.precisions += clicks_to_end.sum(axis=0)

    def _add_group(self, start: int, stop: int) -> None:
        """Adds rows with one prediction that are too many for a chunk."""
        ranking = self._ranking
        weight, clicks = np.zeros((2, len(self.weight)))
        for first in range(start, stop, self._max_rows):
            piece = slice(first, min(stop, first + self._max_rows))
            weights = self._weigh(ranking.rows[piece])
            weight += weights.sum(axis=0, dtype=np.int64)
            clicks += weights[ranking.is_click[piece]].sum(axis=0, dtype=np.int64)
        prediction = np.repeat(ranking.predictions[start : start + 1].astype(np.float64), 2)
        self._add_terms(prediction, np.array([True, False]), np.stack([clicks, weight - clicks]))
        self._ranks += clicks * (self.weight + weight / 2)
        self.weight = self.weight + weight
        self.clicks = self.clicks + clicks
        self.precisions += clicks * self.clicks / np.maximum(self.weight, 1.0)

    def _add_terms(
        self, predictions: np.ndarray, is_click: np.ndarray, weights: np.ndarray
    ) -> None:
        losses = row_losses(predictions, is_click)
        terms = np.stack([predictions, losses, (predictions - is_click) ** 2])
        predictions_sum, losses_sum, squared_sum = terms @ weights
        self.predictions = self.predictions + predictions_sum
        self.losses += losses_sum
        self.squared_errors += squared_sum

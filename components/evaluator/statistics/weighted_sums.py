"""All that the metrics need to know of one column of predictions, in many resamples at once.

One pass over the rows, best first, adds up the weights of a block of resamples, chunk by chunk. A
chunk is so small that matrix products tell what lies above each of its clicks, and that all that is
worked on stays in the processor's cache. Where rows have no weights of their own, the draws are
small integers and their sums exact. Ties are treated as ties, and nothing is approximated.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from components.evaluator.statistics.poisson_weights import Draw
from components.evaluator.statistics.ranking import Ranking

# A float32 probability may be exactly 0 or 1. Keras keeps logloss finite with the same margin.
MARGIN = 1e-7
# The least that a weight is divided by: it is lost in any sum that is not 0.
TINY = float(np.finfo(np.float64).tiny)
# The products take longer with more rows a chunk, the calls into numpy with more chunks.
_CHUNK_ROWS = 64
_CHUNKS_PER_BATCH = 8
_NUM_TERMS = 5


def row_losses(predictions: np.ndarray, is_click: np.ndarray) -> np.ndarray:
    """Returns the logloss of each row in nats.

    Args:
      predictions: float64 `[num_rows]`; clipped by `MARGIN`.
      is_click: bool `[num_rows]`.
    """
    clipped = np.clip(predictions, MARGIN, 1.0 - MARGIN)
    return -np.log(np.where(is_click, clipped, 1.0 - clipped))


class WeightedSums:
    """Sums over the rows, each float64 `[num_resamples]`.

    What a row weighs in a resample is how often it was drawn times its own weight.

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
      gaps: float64 `[num_bins, num_resamples]`: sum of prediction - label in each bin, by falling
        prediction.
    """

    def __init__(self, ranking: Ranking, draw: Draw, num_resamples: int) -> None:
        """Adds up.

        Args:
          ranking: the rows.
          draw: tells how often they were drawn.
          num_resamples: how many numbers a row has.
        """
        self._ranking = ranking
        self._draw = draw
        # Weight, clicks, predictions, losses, squared errors.
        self._sums = np.zeros((_NUM_TERMS, num_resamples))
        self.inverted_pairs, self.precisions = np.zeros((2, num_resamples))
        # Memory for every chunk: to ask for new one each time would take most of the time.
        self._weights = np.empty((_CHUNK_ROWS + 2, num_resamples))
        self._products = np.empty((2, _NUM_TERMS + _CHUNK_ROWS, num_resamples))
        above, ends = np.zeros((2, num_resamples)), list[np.ndarray]()
        for stop in self._add_all():
            if stop == ranking.num_above:
                above = self._sums[:2].copy()
            if stop == ranking.bin_ends[len(ends)]:
                ends.append(self._sums[2] - self._sums[1])
        self.weight, self.clicks, self.predictions, self.losses, self.squared_errors = self._sums
        self.weight_above, self.clicks_above = above
        self.gaps = np.diff(np.stack(ends), axis=0, prepend=0.0)

    def _add_all(self) -> Iterator[int]:
        """Adds chunk by chunk; yields where each one ends."""
        batch: list[int] = []
        for start, stop in self._ranking.chunks(_CHUNK_ROWS):
            batch = batch or [start]
            if stop - start > _CHUNK_ROWS:
                yield from self._add_batch(batch)
                self._add_group(start, stop)
                yield stop
                batch = []
            else:
                batch.append(stop)
            if len(batch) > _CHUNKS_PER_BATCH:
                yield from self._add_batch(batch)
                batch = []
        yield from self._add_batch(batch)

    def _add_batch(self, edges: Sequence[int]) -> Iterator[int]:
        """Adds the chunks between the edges."""
        if len(edges) < 2:
            return
        rows = slice(edges[0], edges[-1])
        is_click = self._ranking.is_click[rows]
        chunk = np.repeat(np.arange(len(edges) - 1), np.diff(edges))
        # The clicks of a chunk come last.
        order = np.argsort(2 * chunk + is_click, kind="stable") + edges[0]
        draws = self._draw(self._ranking.rows[order])
        terms = self._terms(order)
        num_clicks = np.bincount(chunk[is_click], minlength=len(edges) - 1).tolist()
        has_ties = self._ranking.num_ties(edges) > 0
        for (start, stop), clicks, ties in zip(pairwise(edges), num_clicks, has_ties, strict=True):
            part = slice(start - edges[0], stop - edges[0])
            self._add_chunk(order[part], terms[:, part], draws[part], clicks, ties)
            yield stop

    def _terms(self, places: np.ndarray) -> np.ndarray:
        """Returns what `_sums` is a sum of, float64 `[_NUM_TERMS, num_rows]`."""
        predictions = self._ranking.predictions[places].astype(np.float64)
        is_click = self._ranking.is_click[places]
        losses = row_losses(predictions, is_click)
        ones = np.ones(len(places))
        return np.stack([ones, is_click, predictions, losses, (predictions - is_click) ** 2])

    def _add_chunk(
        self,
        places: np.ndarray,
        terms: np.ndarray,
        draws: np.ndarray,
        num_clicks: int,
        has_ties: bool,
    ) -> None:
        """Adds a chunk.

        Args:
          places: of its rows in the order of the ranking, the clicks last.
          terms: of these rows.
          draws: of these rows.
          num_clicks: how many are clicks.
          has_ties: whether two predictions are equal.
        """
        num_others = len(places) - num_clicks
        # The others above the chunk, its others, its clicks, the clicks above.
        weights = self._weights[: len(places) + 2]
        np.subtract(self._sums[0], self._sums[1], out=weights[0])
        weights[0] += TINY
        weights[-1] = self._sums[1]
        if self._ranking.weights is None:
            weights[1:-1] = draws
        else:
            np.multiply(draws, self._ranking.weights[places, np.newaxis], out=weights[1:-1])
        # Which rows are added up: for each term, and for each click those at or above it.
        factors = np.zeros((_NUM_TERMS + num_clicks, len(weights)))
        factors[:_NUM_TERMS, 1:-1] = terms
        predictions = terms[2]
        of_clicks = predictions[num_others:, np.newaxis]
        factors[_NUM_TERMS:] = 1.0
        factors[_NUM_TERMS:, 1:-1] = predictions >= of_clicks
        cut = 1 + num_others
        others, clicks = self._products[:, : len(factors)]
        np.matmul(factors[:, :cut], weights[:cut], out=others)
        np.matmul(factors[:, cut:], weights[cut:], out=clicks)
        self._sums += others[:_NUM_TERMS]
        self._sums += clicks[:_NUM_TERMS]
        if not num_clicks:
            return
        own, others, clicks = weights[cut:-1], others[_NUM_TERMS:], clicks[_NUM_TERMS:]
        self.inverted_pairs += np.einsum("ij,ij->j", own, others)
        if has_ties:
            tied = (predictions[:num_others] == of_clicks).astype(np.float64)
            self.inverted_pairs -= np.einsum("ij,ij->j", own, tied @ weights[1:cut]) / 2
        others += clicks
        np.divide(clicks, others, out=clicks)
        self.precisions += np.einsum("ij,ij->j", own, clicks)

    def _add_group(self, start: int, stop: int) -> None:
        """Adds rows with one prediction that are too many for a chunk."""
        before = self._sums.copy()
        for first in range(start, stop, _CHUNK_ROWS):
            places = np.arange(first, min(stop, first + _CHUNK_ROWS))
            weights = self._draw(self._ranking.rows[places]).astype(np.float64)
            if self._ranking.weights is not None:
                weights *= self._ranking.weights[places][:, np.newaxis]
            self._sums += self._terms(places) @ weights
        weight, clicks = (self._sums - before)[:2]
        others_above = before[0] - before[1] + (weight - clicks) / 2
        self.inverted_pairs += clicks * others_above
        self.precisions += clicks * self._sums[1] / np.maximum(self._sums[0], TINY)

"""Sums over the eval rows, for all resamples at once, that every metric is made of.

One pass over the rows in falling order of their predictions, compiled: what a row weighs in each
resample is added to sums that fit the processor's cache. Sums of whole weights are exact.
"""

from itertools import pairwise

import numpy as np

from components.evaluator.statistics.compiled import compiled
from components.evaluator.statistics.poisson_weights import Draw
from components.evaluator.statistics.ranking import Ranking

# A float32 probability may be exactly 0 or 1. Keras keeps logloss finite with the same margin.
MARGIN = 1e-7
# The least that a weight is divided by: it is lost in any sum that is not 0.
TINY = float(np.finfo(np.float64).tiny)
# So many that the calls take little of the time, so few that their draws stay in the cache.
_BLOCK_ROWS = 256


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
      others: weight of the rows that are no clicks.
      clicks: weight of the clicks.
      predictions: sum of the predictions.
      losses: sum of the rows' logloss.
      squared_errors: sum of (prediction - label)^2.
      inverted_pairs: weight of the pairs of a click and another row in which the click has the
        lower prediction; equal ones count half.
      precisions: sum over the clicks of the precision at their prediction.
      others_above: of the others at the threshold or above.
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
        self._terms = _terms(ranking)
        self._counts, self._group = np.zeros((2, 2, num_resamples))
        self._ranked = np.zeros((2, num_resamples))
        self._sums = np.zeros((3, num_resamples))
        self.others_above, self.clicks_above = np.zeros((2, num_resamples))
        ends: list[np.ndarray] = []
        cuts = np.unique([0, ranking.num_above, *ranking.bin_ends])
        for start, stop in pairwise(cuts.tolist()):
            for first in range(start, stop, _BLOCK_ROWS):
                self._add(slice(first, min(stop, first + _BLOCK_ROWS)))
            if stop == ranking.num_above:
                self.others_above, self.clicks_above = self._counts.copy()
            if stop == ranking.bin_ends[len(ends)]:
                ends.append(self._sums[0] - self._counts[1])
        self.others, self.clicks = self._counts
        self.inverted_pairs, self.precisions = self._ranked
        self.predictions, self.losses, self.squared_errors = self._sums
        self.gaps = np.diff(np.stack(ends), axis=0, prepend=0.0)

    def _add(self, rows: slice) -> None:
        """Adds rows of the ranking."""
        ranking = self._ranking
        draws = self._draw(ranking.rows[rows])
        _add_terms(draws, self._terms[rows], self._sums)
        _add_ranked(
            draws,
            ranking.weights[rows],
            ranking.is_click[rows],
            ranking.is_tied[rows],
            ranking.is_last[rows],
            self._counts,
            self._group,
            self._ranked,
        )


def _terms(ranking: Ranking) -> np.ndarray:
    """Returns prediction, loss and squared error of each row by its weight, `[num_rows, 3]`."""
    predictions = ranking.predictions.astype(np.float64)
    losses = row_losses(predictions, ranking.is_click)
    terms = np.stack([predictions, losses, (predictions - ranking.is_click) ** 2], axis=1)
    terms *= ranking.weights[:, np.newaxis]
    return terms


@compiled("void(uint8[:, ::1], float64[:, ::1], float64[:, ::1])")
def _add_terms(draws: np.ndarray, terms: np.ndarray, sums: np.ndarray) -> None:
    """Adds the terms of rows as often as they were drawn.

    Args:
      draws: uint8 `[num_rows, num_resamples]`.
      terms: float64 `[num_rows, 3]`.
      sums: float64 `[3, num_resamples]`, is added to.
    """
    firsts, seconds, thirds = sums[0], sums[1], sums[2]
    for row in range(len(draws)):
        drawn = draws[row]
        first, second, third = terms[row, 0], terms[row, 1], terms[row, 2]
        for i in range(len(drawn)):
            times = float(drawn[i])  # Not read again after each sum that is written.
            firsts[i] += first * times
            seconds[i] += second * times
            thirds[i] += third * times


@compiled(
    "void(uint8[:, ::1], float64[::1], boolean[::1], boolean[::1], boolean[::1],"
    "float64[:, ::1], float64[:, ::1], float64[:, ::1])"
)
def _add_ranked(
    draws: np.ndarray,
    weights: np.ndarray,
    is_click: np.ndarray,
    is_tied: np.ndarray,
    is_last: np.ndarray,
    counts: np.ndarray,
    group: np.ndarray,
    ranked: np.ndarray,
) -> None:
    """Adds rows, by falling prediction, to what depends on their order.

    Rows with equal predictions wait in `group` for the last of them.

    Args:
      draws: uint8 `[num_rows, num_resamples]`.
      weights: float64 `[num_rows]`.
      is_click: bool `[num_rows]`.
      is_tied: bool `[num_rows]`.
      is_last: bool `[num_rows]`.
      counts: float64 `[2, num_resamples]`, weight of others and of clicks, is added to.
      group: float64 `[2, num_resamples]`, the same of the group that is not complete.
      ranked: float64 `[2, num_resamples]`, inverted pairs and precisions, is added to.
    """
    others, clicks = counts[0], counts[1]
    own_others, own_clicks = group[0], group[1]
    inverted, precisions = ranked[0], ranked[1]
    for row in range(len(draws)):
        weight, drawn = weights[row], draws[row]
        if is_tied[row]:
            own = own_clicks if is_click[row] else own_others
            for i in range(len(drawn)):
                own[i] += weight * drawn[i]
            if not is_last[row]:
                continue
            for i in range(len(drawn)):
                clicks_above = clicks[i] + own_clicks[i]
                others_above = others[i] + own_others[i]
                inverted[i] += own_clicks[i] * (others[i] + others_above) / 2
                precisions[i] += own_clicks[i] * clicks_above / (clicks_above + others_above + TINY)
                clicks[i], others[i] = clicks_above, others_above
            group[:] = 0.0
        elif is_click[row]:
            for i in range(len(drawn)):
                own_weight = weight * drawn[i]
                clicks_above = clicks[i] + own_weight
                clicks[i] = clicks_above
                inverted[i] += own_weight * others[i]
                precisions[i] += own_weight * clicks_above / (clicks_above + others[i] + TINY)
        else:
            for i in range(len(drawn)):
                others[i] += weight * drawn[i]

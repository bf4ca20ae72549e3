"""The weights of the rows in the resamples of a Poisson bootstrap.

A row's weight in a resample is how often it was drawn. The numbers of draws of different rows are
independent, Poisson with mean 1 (Hanley and MacGibbon 2006; Chamandy et al. 2012): no row needs to
know how many others there are. A weight is a function of seed, resample and row alone, so workers
that look at the rows in different orders, or at one resample each, agree about it. This is what
pairs the variants.
"""

import math
from collections.abc import Callable

import numpy as np

# Row numbers int64 `[num_rows]` to draws uint8 `[num_rows, num_resamples]`.
Draw = Callable[[np.ndarray], np.ndarray]

# Draws of so many bytes are made once for all columns of predictions, larger ones again for each.
_MAX_AHEAD_BYTES = 2**28
_ROWS_AHEAD = 512

# 16 of the generator's 64 bits make one weight.
_WEIGHTS_PER_WORD = 4
_WORD_BITS = 16
_MAX_RESAMPLES = _WEIGHTS_PER_WORD << _WORD_BITS

# SplitMix64 (Steele, Lea and Flood 2014).
_GOLDEN = 0x9E3779B97F4A7C15
_FIRST_FACTOR, _SECOND_FACTOR = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_MASK = 2**64 - 1


def _limits() -> tuple[np.uint16, ...]:
    """Returns for w = 1, 2, ... how many of the 2^16 equally likely numbers make a weight >= w.

    Rounded so that they add up to 2^16: the mean weight is exactly 1.
    """
    tails = [1.0 - sum(math.exp(-1.0) / math.factorial(k) for k in range(w)) for w in range(1, 10)]
    exact = [tail * 2**16 for tail in tails]
    limits = [math.floor(limit) for limit in exact]
    largest_rest = sorted(range(len(exact)), key=lambda w: limits[w] - exact[w])
    for w in largest_rest[: 2**16 - sum(limits)]:
        limits[w] += 1
    return tuple(np.uint16(limit) for limit in limits if limit)


_LIMITS = _limits()


class PoissonWeights:
    """Draws the weights of rows in a few consecutive resamples."""

    def __init__(self, seed: int, first: int, count: int) -> None:
        """Chooses the resamples.

        Args:
          seed: of the bootstrap, 0 or more and below 2^32.
          first: number of the first resample; a multiple of 4.
          count: how many there are.

        Raises:
          ValueError: if `first` is no multiple of 4, or a resample's number is 2^18 or more.
        """
        if first % _WEIGHTS_PER_WORD or first + count > _MAX_RESAMPLES:
            raise ValueError(
                f"expected resamples from a multiple of {_WEIGHTS_PER_WORD} to below "
                f"{_MAX_RESAMPLES:,}; received {count} from {first}"
            )
        num_words = -(-count // _WEIGHTS_PER_WORD)
        words = np.arange(num_words, dtype=np.uint64) + np.uint64(first // _WEIGHTS_PER_WORD)
        start = _mix(np.array([(seed + 1) * _GOLDEN & _MASK], np.uint64))
        self._words = words * np.uint64(_GOLDEN) + start
        self.num_resamples = count

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Returns uint8 `[num_rows, num_resamples]`.

        Args:
          rows: int64 `[num_rows]` row numbers, 0 or more and below 2^48, in any order.
        """
        # The row's and the word's number make one number below 2^64: the state that a SplitMix64
        # generator has after so many steps.
        steps = rows.astype(np.uint64) * np.uint64(_GOLDEN << _WORD_BITS & _MASK)
        bits = _mix(steps[:, np.newaxis] + self._words).view(np.uint16)
        weights = (bits < _LIMITS[0]).view(np.uint8)
        for limit in _LIMITS[1:]:
            np.add(weights, (bits < limit).view(np.uint8), out=weights)
        return np.ascontiguousarray(weights[:, : self.num_resamples])


def _mix(state: np.ndarray) -> np.ndarray:
    """Returns SplitMix64's output for each state, in place."""
    state ^= state >> np.uint64(30)
    state *= _FIRST_FACTOR
    state ^= state >> np.uint64(27)
    state *= _SECOND_FACTOR
    state ^= state >> np.uint64(31)
    return state


def unit_weights(rows: np.ndarray) -> np.ndarray:
    """Returns the weights of the rows themselves, as one resample: ones, uint8 `[num_rows, 1]`."""
    return np.ones((len(rows), 1), np.uint8)


def with_rows(draw: Draw) -> Draw:
    """Returns the same draws behind a first resample that is the rows themselves."""
    return lambda rows: np.concatenate([unit_weights(rows), draw(rows)], axis=1)


def drawn_ahead(draw: Draw, num_rows: int, num_resamples: int) -> Draw:
    """Returns the same draws, but made at once, if they are not too many for the memory.

    Args:
      draw: what is drawn.
      num_rows: of all rows.
      num_resamples: of a row.
    """
    if num_rows * num_resamples > _MAX_AHEAD_BYTES:
        return draw
    table = np.empty((num_rows, num_resamples), np.uint8)
    for start in range(0, num_rows, _ROWS_AHEAD):
        rows = np.arange(start, min(num_rows, start + _ROWS_AHEAD))
        table[start : start + len(rows)] = draw(rows)
    return lambda rows: table[rows]

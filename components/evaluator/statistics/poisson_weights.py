"""The weights of the rows in the resamples of a Poisson bootstrap.

A row's weight in a resample is how often it was drawn. The numbers of draws of different rows are
independent, Poisson with mean 1 (Hanley and MacGibbon 2006; Chamandy et al. 2012): no row needs to
know how many others there are. A weight is a function of seed, resample and row alone, so workers
that look at the rows in different orders, or at one resample each, agree about it. This is what
pairs the variants.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from components.evaluator.statistics.compiled import compiled

# Row numbers int64 `[num_rows]` to draws uint8 `[num_rows, num_resamples]`.
Draw = Callable[[np.ndarray], np.ndarray]

# 16 of the generator's 64 bits make one weight.
_WEIGHTS_PER_WORD = 4
_WORD_BITS = 16
_MAX_RESAMPLES = _WEIGHTS_PER_WORD << _WORD_BITS

# SplitMix64 (Steele, Lea and Flood 2014).
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST_FACTOR, _SECOND_FACTOR = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


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
        self._seed = np.uint64(seed)
        self._first_word = np.uint64(first // _WEIGHTS_PER_WORD)
        self.num_resamples = count

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Returns uint8 `[num_rows, num_resamples]`.

        Args:
          rows: int64 `[num_rows]` row numbers, 0 or more and below 2^48, in any order.
        """
        weights = np.empty((len(rows), self.num_resamples), np.uint8)
        _draw(np.array(rows, np.int64), self._seed, self._first_word, weights)
        return weights


@compiled("void(int64[::1], uint64, uint64, uint8[:, ::1])")
def _draw(rows: np.ndarray, seed: np.uint64, first_word: np.uint64, weights: np.ndarray) -> None:
    """Draws the weights of the rows.

    The row's and the word's number make one number below 2^64: the state that a SplitMix64
    generator has after so many steps. Where it starts is the seed's, mixed.

    Args:
      rows: int64 `[num_rows]`.
      seed: of the bootstrap.
      first_word: number of the first resample's word.
      weights: uint8 `[num_rows, num_resamples]`, is filled.
    """

    def mix(state: Any) -> Any:
        state = (state ^ (state >> np.uint64(30))) * _FIRST_FACTOR
        state = (state ^ (state >> np.uint64(27))) * _SECOND_FACTOR
        return state ^ (state >> np.uint64(31))

    num_words = -(-weights.shape[1] // _WEIGHTS_PER_WORD)
    start = mix((seed + np.uint64(1)) * _GOLDEN)
    words = np.empty(num_words, np.uint64)
    for word in range(num_words):
        words[word] = start + (first_word + np.uint64(word)) * _GOLDEN
    mixed = np.empty(num_words, np.uint64)
    bits = mixed.view(np.uint16)
    for index in range(len(rows)):
        steps = (np.uint64(rows[index]) << np.uint64(_WORD_BITS)) * _GOLDEN
        for word in range(num_words):
            mixed[word] = mix(words[word] + steps)
        for resample in range(weights.shape[1]):
            weight = np.uint8(0)
            for limit in _LIMITS:
                weight += np.uint8(bits[resample] < limit)
            weights[index, resample] = weight


def unit_weights(rows: np.ndarray) -> np.ndarray:
    """Returns the weights of the rows themselves, as one resample: ones, uint8 `[num_rows, 1]`."""
    return np.ones((len(rows), 1), np.uint8)

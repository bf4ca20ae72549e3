"""The largest batch that fits, in few compiles."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from components.preflight_result import LargestBatch

LARGEST_TRIED = 2**14
MOST_COMPILES = 8
# Batches are multiples of this at least.
_MULTIPLE = 8
# The search ends when the gap is this share of what fits.
_RESOLUTION = 8
# With more tries than these the memory is not linear after all, and the gap is halved instead.
_MOST_LINES = 4


class Tried(NamedTuple):
    """What came of a compile.

    Attributes:
      fits: whether the program fits into the memory.
      bytes: what it needs; None if that is not known.
    """

    fits: bool
    bytes: int | None


def find_largest_batch(
    compile_rows: Callable[[int], Tried | None],
    start: int,
    started: Tried,
    available_bytes: int,
    largest: int = LARGEST_TRIED,
    num_chips: int = 1,
) -> LargestBatch:
    """Looks for the largest batch that fits, to an eighth of it.

    The memory is about linear in the number of rows. So the next try is where a line through what
    is known meets the limit; where that is not known or does not help, it is half way, in powers of
    two.

    Args:
      compile_rows: compiles a step for a number of rows; None if the compiler died of it, which
        says nothing about the memory and ends the search.
      start: a number of rows that was compiled before.
      started: what came of it.
      available_bytes: the memory.
      largest: no larger batch is tried.
      num_chips: the batches that are tried are multiples of it.
    """
    multiple = math.lcm(_MULTIPLE, num_chips)
    tried, num_compiles = {start: started}, 0
    while num_compiles < MOST_COMPILES:
        rows = _next(tried, available_bytes, largest // multiple * multiple, multiple)
        if rows is None:
            break
        found = compile_rows(rows)
        num_compiles += 1
        if found is None:
            break
        tried[rows] = found
    low, high = _bracket(tried)
    return LargestBatch(
        fits=low or None,
        does_not_fit=high,
        estimate=_estimate(tried, available_bytes) if high is None else None,
        num_compiles=num_compiles,
    )


def _bracket(tried: Mapping[int, Tried]) -> tuple[int, int | None]:
    """The largest number of rows that fits, 0 if none does, and the smallest that does not."""
    low = max((rows for rows, each in tried.items() if each.fits), default=0)
    return low, min((rows for rows, each in tried.items() if not each.fits), default=None)


def _estimate(tried: Mapping[int, Tried], available_bytes: int) -> int | None:
    """Where a line through two batches that fit meets the limit."""
    if len(tried) < 2:
        return None
    (low, at_low), (high, at_high) = sorted((rows, each.bytes) for rows, each in tried.items())
    if at_low is None or at_high is None or at_high <= at_low:
        return None
    rows = high + (available_bytes - at_high) * (high - low) / (at_high - at_low)
    return int(rows) // _MULTIPLE * _MULTIPLE


def _next(
    tried: Mapping[int, Tried], available_bytes: int, largest: int, multiple: int
) -> int | None:
    """The next number of rows to try; None if enough is known."""
    low, high = _bracket(tried)
    if high is None:
        return largest if low < largest else None
    if high - low <= max(multiple, low // _RESOLUTION):
        return None
    at_low, at_high = tried[low].bytes if low else None, tried[high].bytes
    if len(tried) > _MOST_LINES or at_low is None or at_high is None or at_high <= at_low:
        return _half_way(low, high, multiple)
    meets = low + (available_bytes - at_low) * (high - low) / (at_high - at_low)
    # At least a step further than what fits, so that the gap closes from both sides.
    step = max(multiple, low // _RESOLUTION)
    rows = int(min(max(low + step, meets), high - multiple)) // multiple * multiple
    return rows if low < rows < high else _half_way(low, high, multiple)


def _half_way(low: int, high: int, multiple: int) -> int | None:
    powers = [2**e for e in range(high.bit_length()) if low < 2**e < high]
    powers = [power for power in powers if power % multiple == 0]
    if powers:
        return powers[len(powers) // 2]
    middle = (low + high) // 2 // multiple * multiple
    return middle if low < middle < high else None

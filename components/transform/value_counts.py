"""Counts of the values of one column, as Arrow tables.

A table of counts has the columns `value` (binary) and `count` (int64). Nothing here is done per
value in Python.
"""

import itertools
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.click_log import MISSING_CATEGORY

NUM_BUCKETS = 2**16

# An odd number has an inverse modulo 2**64, which `hash_buckets` needs; this one is 2**64 divided
# by the golden ratio.
_BASE = np.uint64(0x9E3779B97F4A7C15)
_INVERSE_BASE = np.uint64(pow(int(_BASE), -1, 2**64))
_HASH_STEP_BYTES = 2**17


def count_values(column: pa.ChunkedArray) -> pa.Table:
    """Counts the values of a column, missing ones (null or empty) left out.

    Args:
      column: binary, dictionary-encoded with int32 indices.

    Returns:
      a table of counts. If the chunks have dictionaries of their own, a value may come more than
      once; `merge_counts` adds those up.
    """
    return pa.concat_tables([_EMPTY, *map(_count_chunk, column.chunks)])


def _count_chunk(chunk: pa.DictionaryArray) -> pa.Table:
    values = chunk.dictionary
    indices = chunk.indices.drop_null().to_numpy()
    counts = np.bincount(indices, minlength=len(values))
    table = count_table(values, counts)
    present = (counts > 0) & pc.not_equal(values, MISSING_CATEGORY).to_numpy(zero_copy_only=False)
    return table if present.all() else table.filter(pa.array(present))


def count_table(values: pa.Array, counts: np.ndarray) -> pa.Table:
    """Returns the table of counts of some values.

    Args:
      values: binary `[num_values]`.
      counts: int64 `[num_values]`.
    """
    return pa.table({"value": values, "count": counts})


_EMPTY = count_table(pa.array([], pa.binary()), np.zeros(0, np.int64))


def merge_counts(parts: Iterable[pa.Table]) -> pa.Table:
    """Adds up the counts of equal values in several tables of counts."""
    counts = pa.concat_tables([_EMPTY, *parts])
    if not counts.num_rows:  # grouping nothing gives pyarrow 10 an array with 2 GB of garbage
        return counts
    merged = counts.group_by("value").aggregate([("count", "sum")])
    return pa.table({"value": merged["value"], "count": merged["count_sum"]})


def select_values(
    counts: pa.Table, frequency_threshold: int = 1, max_values: int | None = None
) -> pa.Table:
    """Returns the most frequent values, ties in byte order.

    Args:
      counts: a table of counts, each value once.
      frequency_threshold: rarer values are left out.
      max_values: how many values stay at most; None keeps them all.
    """
    frequent = counts.filter(pc.greater_equal(counts["count"], frequency_threshold))
    ordered = frequent.sort_by([("count", "descending"), ("value", "ascending")])
    return ordered.slice(0, max_values)


def hash_buckets(values: pa.Array) -> np.ndarray:
    """Returns a bucket for each value, the same one in every process.

    The bytes of a value are the coefficients of a polynomial modulo 2**64. Its values come from
    running sums over the bytes of many values at once: the sum up to the end of a value minus the
    sum up to its start, divided by the power at the start.

    Args:
      values: binary `[num_values]` without nulls.

    Returns:
      uint16 `[num_values]`, below `NUM_BUCKETS`.
    """
    _, offsets_buffer, bytes_buffer = values.buffers()
    if not len(values) or bytes_buffer is None:
        return np.zeros(len(values), np.uint16)
    offsets = np.frombuffer(offsets_buffer, np.int32)[values.offset :][: len(values) + 1]
    content = np.frombuffer(bytes_buffer, np.uint8)
    steps = [offsets[step] for step in _steps(offsets)]
    length = max(int(step[-1] - step[0]) for step in steps) + 1
    powers, inverses = _powers(_BASE, length), _powers(_INVERSE_BASE, length)
    return np.concatenate([_hash_step(step, content, powers, inverses) for step in steps])


def _steps(offsets: np.ndarray) -> Iterator[slice]:
    """Cuts values into ranges of few bytes each, and yields the slices of their offsets."""
    targets = np.arange(offsets[0], offsets[-1], _HASH_STEP_BYTES)
    num_values = len(offsets) - 1
    starts = np.minimum(np.searchsorted(offsets, targets), num_values - 1)
    cuts = [0, *np.unique(starts[starts > 0]).tolist(), num_values]
    for start, end in itertools.pairwise(cuts):
        yield slice(start, end + 1)


def _hash_step(
    offsets: np.ndarray, content: np.ndarray, powers: np.ndarray, inverses: np.ndarray
) -> np.ndarray:
    coefficients = content[offsets[0] : offsets[-1]].astype(np.uint64) + np.uint64(1)
    sums = np.zeros(len(coefficients) + 1, np.uint64)
    np.cumsum(coefficients * powers[: len(coefficients)], out=sums[1:])
    positions = offsets - offsets[0]
    hashes = (sums[positions[1:]] - sums[positions[:-1]]) * inverses[positions[:-1]]
    # The lower bits of a polynomial are poor; two rounds bring all bits to the top.
    for _ in range(2):
        hashes = (hashes ^ (hashes >> np.uint64(32))) * _BASE
    return (hashes >> np.uint64(48)).astype(np.uint16)


def _powers(base: np.uint64, count: int) -> np.ndarray:
    powers = np.full(count, base, np.uint64)
    powers[:1] = 1
    return np.cumprod(powers, out=powers)

"""Counts of positions, for example of ids, that add up over files, bundles and workers.

A worker adds to one array as long as the range of the positions. Between workers travel tables of
the positions that occur. All counts are integers, so no order of adding changes a result.
"""

from collections.abc import Iterable, Iterator

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

_SCHEMA = pa.schema([("position", pa.int64()), ("count", pa.int64())])


def to_table(counts: np.ndarray) -> pa.Table:
    """Returns `position` and `count`, both int64, of the counts above 0, by position.

    Args:
      counts: int64 `[num_positions]`.
    """
    positions = np.flatnonzero(counts).astype(np.int64)
    return pa.table([positions, counts[positions]], schema=_SCHEMA)


def add_tables(parts: Iterable[pa.Table]) -> pa.Table:
    """Adds up the counts of equal positions in several tables of `to_table`; keeps their order."""
    counts = pa.concat_tables([_SCHEMA.empty_table(), *parts]).combine_chunks()
    if not counts.num_rows:  # grouping nothing gives pyarrow 10 an array with 2 GB of garbage
        return counts
    merged = counts.group_by("position").aggregate([("count", "sum")]).sort_by("position")
    return pa.table([merged["position"], merged["count_sum"]], schema=_SCHEMA).combine_chunks()


class CountingDoFn(beam.DoFn):
    """A DoFn whose output is what it counted: one table of `to_table` a bundle.

    `process` of a subclass adds to `self._counts`, int64 `[num_positions]`, and returns nothing.
    """

    def __init__(self, num_positions: int) -> None:
        """Remembers the range of the positions."""
        self._num_positions = num_positions

    def start_bundle(self) -> None:
        """Forgets what a failed bundle may have left."""
        self._counts = np.zeros(self._num_positions, np.int64)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Gives the counts of the bundle."""
        table = to_table(self._counts)
        del self._counts
        yield WindowedValue(table, GlobalWindow().max_timestamp(), [GlobalWindow()])


class AddCounts(beam.CombineFn):
    """Adds up tables of `to_table`."""

    def create_accumulator(self) -> pa.Table:
        """Returns no counts."""
        return add_tables([])

    def add_input(self, accumulator: pa.Table, part: pa.Table) -> pa.Table:
        """Adds one table."""
        return add_tables([accumulator, part])

    def merge_accumulators(self, accumulators: Iterable[pa.Table]) -> pa.Table:
        """Adds several sums."""
        return add_tables(accumulators)

    def extract_output(self, accumulator: pa.Table) -> pa.Table:
        """Returns the sum."""
        return accumulator

"""Counts of positions, for example of ids, that add up over files, bundles and workers.

A worker adds to one array as long as the range of the positions, and writes the counts of each
bundle to a file; Beam carries the names of these files. All counts are integers, so no order of
adding changes a result.
"""

import json
import os
import uuid
from collections.abc import Callable, Iterator, Sequence

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.windowed_value import WindowedValue

from components.files import write_text
from components.parquet import SUFFIX, read_table, write_table

_SCHEMA = pa.schema([("position", pa.int64()), ("count", pa.int64())])


def to_table(counts: np.ndarray) -> pa.Table:
    """Returns `position` and `count`, both int64, of the counts above 0, by position.

    Args:
      counts: int64 `[num_positions]`.
    """
    positions = np.flatnonzero(counts).astype(np.int64)
    return pa.table([positions, counts[positions]], schema=_SCHEMA)


class CountingDoFn(beam.DoFn):
    """A DoFn that counts: see `count_with`.

    `process` of a subclass adds to `self._counts`, int64 `[num_positions]`, and returns nothing.
    """

    def __init__(self, num_positions: int, folder: str) -> None:
        """Remembers the range of the positions.

        Args:
          num_positions: their number.
          folder: temporary space that all workers reach.
        """
        self.num_positions = num_positions
        self.folder = os.path.join(folder, f"counts-{uuid.uuid4().hex}")

    def start_bundle(self) -> None:
        """Forgets what a failed bundle may have left."""
        self._counts = np.zeros(self.num_positions, np.int64)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Gives the name of the file with the counts of the bundle."""
        path = os.path.join(self.folder, f"{uuid.uuid4().hex}{SUFFIX}")
        write_table(to_table(self._counts), path)
        del self._counts
        yield GlobalWindows.windowed_value(path)


def count_with(
    make_pipeline: Callable[[], beam.Pipeline], elements: Sequence[object], count: CountingDoFn
) -> np.ndarray:
    """Sends elements through a counting DoFn.

    Args:
      make_pipeline: makes the Beam pipeline to run.
      elements: what `count` takes.
      count: counts; the files of its folder are gone at the end.

    Returns:
      int64 `[num_positions]`, the sum over all bundles.
    """
    tf.io.gfile.makedirs(count.folder)
    names = os.path.join(count.folder, "bundles.json")
    try:
        with make_pipeline() as pipeline:
            _ = (
                pipeline
                | "Elements" >> beam.Create(elements)
                | "Spread" >> beam.Reshuffle()
                | "Count" >> beam.ParDo(count)
                | "Gather" >> beam.combiners.ToList()
                | "WriteNames" >> beam.Map(_write_names, names)
            )
        with tf.io.gfile.GFile(names) as file:
            return _add_up(json.load(file), count.num_positions)
    finally:
        tf.io.gfile.rmtree(count.folder)


def _write_names(paths: list[str], path: str) -> None:
    write_text(path, json.dumps(paths))


def _add_up(paths: Sequence[str], num_positions: int) -> np.ndarray:
    sums = np.zeros(num_positions, np.int64)
    for path in paths:
        counts = read_table(path)
        sums[counts["position"].to_numpy()] += counts["count"].to_numpy()
    return sums

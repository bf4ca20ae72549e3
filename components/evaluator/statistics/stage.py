"""Runs the pieces of work with Beam."""

import abc
import os
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence

import apache_beam as beam
import pyarrow as pa
import tensorflow as tf
from apache_beam.utils.shared import Shared

from components import progress
from components.parquet import SUFFIX, read_table, write_table


class Piece(abc.ABC):
    """A piece of work. It reads what it needs by itself, so it runs on any worker."""

    @abc.abstractmethod
    def measure(self) -> pa.Table:
        """Does the work and returns its result."""


class _Done:
    """How many pieces the threads of a process have done."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number = 0

    def add(self) -> int:
        with self._lock:
            self._number += 1
            return self._number


class _MeasureFn(beam.DoFn):
    """(number, piece) to the number, when a file holds the piece's table."""

    def __init__(self, folder: str, num_pieces: int) -> None:
        self._folder = folder
        self._num_pieces = num_pieces
        self._shared = Shared()
        self._done: _Done | None = None

    def process(self, element: tuple[int, Piece]) -> Iterator[int]:
        number, piece = element
        write_table(piece.measure(), _path(self._folder, number))
        if self._done is None:
            self._done = self._shared.acquire(_Done)
        progress.report(f"statistics: {self._done.add()} of {self._num_pieces} parts")
        yield number


def measure_pieces(
    make_pipeline: Callable[[], beam.Pipeline], pieces: Sequence[Piece], folder: str
) -> list[pa.Table]:
    """Returns the table of each piece, in their order.

    Args:
      make_pipeline: makes the Beam pipeline that measures; it has run when this returns.
      pieces: what to measure. Beam deals them out in turns, in this order, so the long ones should
        come first.
      folder: a folder that all workers reach. The tables are in a folder of its own in it for a
        while.
    """
    own = os.path.join(folder, f"statistics-{uuid.uuid4().hex}")
    tf.io.gfile.makedirs(own)
    try:
        with make_pipeline() as pipeline:
            _ = (
                pipeline
                | "Pieces" >> beam.Create(list(enumerate(pieces)))
                | "Measure" >> beam.ParDo(_MeasureFn(own, len(pieces)))
            )
        return [read_table(_path(own, number)) for number in range(len(pieces))]
    finally:
        tf.io.gfile.rmtree(own)


def _path(folder: str, number: int) -> str:
    return os.path.join(folder, f"{number:06d}{SUFFIX}")

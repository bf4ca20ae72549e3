"""Parquet files of a split, on any file system that TensorFlow's gfile reaches."""

import os

import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf

from components.files import write_bytes

SUFFIX = ".parquet"


class _SeekableFile(tf.io.gfile.GFile):
    """A gfile that Arrow can seek in: Arrow asks an open file for `closed`, which gfile lacks."""

    closed = False


def list_files(split_uri: str) -> list[str]:
    """Returns the Parquet files of a split in name order.

    Raises:
      FileNotFoundError: if there is none.
    """
    files = sorted(tf.io.gfile.glob(os.path.join(split_uri, f"*{SUFFIX}")))
    if not files:
        raise FileNotFoundError(f"no {SUFFIX} file in {split_uri}")
    return files


def read_table(path: str, columns: list[str] | None = None) -> pa.Table:
    """Reads one file into memory; of `columns`, only their bytes and the footer are read."""
    with _SeekableFile(path, "rb") as file:
        # One large read is the fastest way to the whole file.
        source = pa.BufferReader(file.read()) if columns is None else pa.PythonFile(file, "r")
        return pq.ParquetFile(source).read(columns=columns, use_threads=False)


def count_rows(path: str) -> int:
    """Returns the number of rows in a file, from its footer."""
    with _SeekableFile(path, "rb") as file:
        return int(pq.ParquetFile(pa.PythonFile(file, "r")).metadata.num_rows)


def write_table(table: pa.Table, path: str, **options: object) -> None:
    """Writes one file: whole or not at all."""
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, **options)
    write_bytes(path, buffer.getvalue().to_pybytes())

"""Parquet files of a split, on any file system that TensorFlow's gfile reaches."""

import os
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf

from components.files import ArrowFile, write_bytes

SUFFIX = ".parquet"


def list_files(split_uri: str) -> list[str]:
    """Returns the Parquet files of a split in name order.

    Raises:
      FileNotFoundError: if there is none.
    """
    files = sorted(tf.io.gfile.glob(os.path.join(split_uri, f"*{SUFFIX}")))
    if not files:
        raise FileNotFoundError(f"no {SUFFIX} file in {split_uri}")
    return files


def read_table(
    path: str, columns: list[str] | None = None, dictionary_columns: Sequence[str] = ()
) -> pa.Table:
    """Reads one file into memory.

    Args:
      path: the file.
      columns: read only these: only their bytes and the footer are read.
      dictionary_columns: binary columns to return dictionary-encoded with int32 indices. Most are
        stored so, and are read without looking at the value of each row. The dictionaries of two
        chunks may differ.
    """
    with ArrowFile(path, "rb") as file:
        # One large read is the fastest way to the whole file.
        source = pa.BufferReader(file.read()) if columns is None else pa.PythonFile(file, "r")
        parquet = pq.ParquetFile(source, read_dictionary=list(dictionary_columns))
        return parquet.read(columns=columns, use_threads=False)


def count_rows(path: str) -> int:
    """Returns the number of rows in a file, from its footer."""
    with ArrowFile(path, "rb") as file:
        return int(pq.ParquetFile(pa.PythonFile(file, "r")).metadata.num_rows)


def write_table(table: pa.Table, path: str, **options: object) -> None:
    """Writes one file: whole or not at all."""
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, **options)
    write_bytes(path, buffer.getvalue().to_pybytes())

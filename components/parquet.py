"""Parquet files of a split, on any file system that TensorFlow's gfile reaches."""

import os

import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf

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


def read_table(path: str, columns: list[str] | None = None) -> pa.Table:
    """Reads one file, or only some of its columns, into memory."""
    with tf.io.gfile.GFile(path, "rb") as file:
        return pq.read_table(pa.BufferReader(file.read()), columns=columns, use_threads=False)


def count_rows(path: str) -> int:
    """Returns the number of rows in a file, from its footer."""
    with tf.io.gfile.GFile(path, "rb") as file:
        return int(pq.read_metadata(pa.BufferReader(file.read())).num_rows)


def write_table(table: pa.Table, path: str, **options: object) -> None:
    """Writes one file: whole or not at all (a temporary name, then a rename)."""
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, **options)
    temporary = f"{path}.tmp"
    with tf.io.gfile.GFile(temporary, "wb") as file:
        file.write(buffer.getvalue().to_pybytes())
    tf.io.gfile.rename(temporary, path, overwrite=True)

"""A part of a file: what the planning hands to the workers."""

from typing import Literal, NamedTuple

Storage = Literal["plain", "gzip", "zstandard", "parquet"]


class BlockRange(NamedTuple):
    """A part of a file that one worker reads.

    Attributes:
      path: the file.
      file_index: its place among all files.
      block_index: the index of the first block that comes out.
      start: the first byte of a part of a plain file (a line belongs to the part in which its
        first byte lies); the first row group of a part of a Parquet file; else 0.
      end: the byte or row group after the last one.
      storage: how the file keeps its lines or rows. A compressed file is one part, from which many
        blocks come.
      columns: all columns of the file, in their order, where a header names them; else None.
      data_start: where the first line of the file that may be a row starts, in bytes of the
        uncompressed text: after the byte order mark and the header.
    """

    path: str
    file_index: int
    block_index: int
    start: int
    end: int
    storage: Storage
    columns: tuple[str, ...] | None
    data_start: int

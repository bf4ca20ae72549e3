"""Files of text, plain or compressed, on any file system that TensorFlow's gfile reaches.

What a file is follows from its first bytes. A compressed one may have several parts, one after the
other (gzip members, Zstandard frames).
"""

import contextlib
import gzip
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import pyarrow as pa
import tensorflow as tf

from components.errors import InputError
from components.example_gen.block_range import Storage
from components.files import ArrowFile

_GZIP = b"\x1f\x8b"
_ZSTANDARD = b"\x28\xb5\x2f\xfd"
# A frame to be skipped, with which parallel compressors start: sixteen numbers in the first byte.
_ZSTANDARD_SKIPPABLE = b"\x2a\x4d\x18"
_PARQUET = b"PAR1"
_SUFFIXES: dict[str, tuple[Storage, str]] = {
    ".gz": ("gzip", "gzip data (1f 8b)"),
    ".zst": ("zstandard", "Zstandard data (28 b5 2f fd)"),
}


class FileFacts(NamedTuple):
    """The size of a file in bytes, how it keeps its lines, and its first bytes."""

    size: int
    storage: Storage
    head: bytes


def inspect_file(path: str) -> FileFacts:
    """Finds out what a file is.

    Raises:
      InputError: if it cannot be read, is empty, or is named .gz or .zst and is something else.
    """
    try:
        if tf.io.gfile.isdir(path):
            raise InputError(f"{path} is a directory: give a pattern that matches files")
        size = int(tf.io.gfile.stat(path).length)
        with tf.io.gfile.GFile(path, "rb") as file:
            head: bytes = file.read(len(_PARQUET))
    except tf.errors.OpError as error:
        raise InputError(f"{path} cannot be read: {error.message}") from error
    if not size:
        raise InputError(f"{path} is empty (0 bytes)")
    storage = _storage(head)
    for suffix, (expected, meaning) in _SUFFIXES.items():
        if path.endswith(suffix) and storage != expected:
            raise InputError(
                f"{path} is named {suffix} but does not start like {meaning}, it starts with "
                f"{head.hex(' ')}: it is damaged or not compressed"
            )
    return FileFacts(size, storage, head)


def _storage(head: bytes) -> Storage:
    if head.startswith(_GZIP):
        return "gzip"
    if head == _ZSTANDARD or (head[1:] == _ZSTANDARD_SKIPPABLE and head[0] >> 4 == 5):
        return "zstandard"
    return "parquet" if head == _PARQUET else "plain"


def read_pieces(path: str, storage: Storage, piece_bytes: int) -> Iterator[bytes]:
    """Reads the uncompressed content of a file from its start.

    Args:
      path: the file.
      storage: what `inspect_file` said of it.
      piece_bytes: the length of all pieces but the last one.

    Raises:
      InputError: if compressed data is truncated or damaged.
    """
    num_bytes = 0
    try:
        with ArrowFile(path, "rb") as file, _uncompressed(file, storage) as stream:
            while piece := stream.read(piece_bytes):
                num_bytes += len(piece)
                yield piece
    except (EOFError, OSError, zlib.error) as error:
        if storage == "plain":
            raise
        raise InputError(
            f"{path}: the {storage} data is truncated or damaged after {num_bytes:,} "
            f"decompressed bytes: {error}"
        ) from error


def _uncompressed(file: ArrowFile, storage: Storage) -> Any:
    if storage == "gzip":
        return gzip.GzipFile(fileobj=file, mode="rb")
    if storage == "zstandard":
        return pa.CompressedInputStream(file, "zstd")
    return contextlib.nullcontext(file)

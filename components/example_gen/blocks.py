"""Files -> blocks of whole lines, with flat memory.

A plain file is cut by byte ranges that are read independently: a line belongs to the range in
which it starts. A gzip file is one stream and is read in order.
"""

import gzip
import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import tensorflow as tf

from components.errors import InputError
from components.example_gen.lines import MAX_LINE_BYTES

_GZIP_MAGIC = b"\x1f\x8b"
# One byte more than a valid line may have: enough to see that a line is too long.
_KEPT_BYTES = MAX_LINE_BYTES + 1


class BlockRange(NamedTuple):
    """A part of a file that one worker reads.

    Attributes:
      path: the file.
      file_index: its place among all files.
      block_index: the index of the first block that comes out.
      start: the first byte; a line belongs to the range in which its first byte lies.
      end: the byte after the last one.
      is_gzip: whether this is a whole gzip file, from which many blocks come.
    """

    path: str
    file_index: int
    block_index: int
    start: int
    end: int
    is_gzip: bool


def plan_blocks(paths: Sequence[str], block_bytes: int) -> list[BlockRange]:
    """Cuts the files into ranges.

    Args:
      paths: the files in their final order.
      block_bytes: the length of a range of a plain file.

    Raises:
      InputError: if a file cannot be read, is empty, or is named .gz and is not gzip.
    """
    ranges = []
    for file_index, path in enumerate(paths):
        size, is_gzip = _inspect(path)
        if is_gzip:
            ranges.append(BlockRange(path, file_index, 0, 0, size, True))
            continue
        for block_index, start in enumerate(range(0, size, block_bytes)):
            end = min(size, start + block_bytes)
            ranges.append(BlockRange(path, file_index, block_index, start, end, False))
    return ranges


def _inspect(path: str) -> tuple[int, bool]:
    """Returns the size in bytes and whether the file is gzip."""
    try:
        if tf.io.gfile.isdir(path):
            raise InputError(f"{path} is a directory: give a pattern that matches files")
        size = int(tf.io.gfile.stat(path).length)
        with tf.io.gfile.GFile(path, "rb") as file:
            head = file.read(len(_GZIP_MAGIC))
    except tf.errors.OpError as error:
        raise InputError(f"{path} cannot be read: {error.message}") from error
    if not size:
        raise InputError(f"{path} is empty (0 bytes)")
    is_gzip = head == _GZIP_MAGIC
    if path.endswith(".gz") and not is_gzip:
        raise InputError(
            f"{path} is named .gz but does not start like gzip data (1f 8b), it starts with "
            f"{head.hex(' ')}: it is damaged or not compressed"
        )
    return size, is_gzip


def read_blocks(block_range: BlockRange, block_bytes: int) -> Iterator[tuple[int, bytes]]:
    """Reads the lines of a range.

    A line longer than `MAX_LINE_BYTES` loses its end, but stays too long to be valid.

    Args:
      block_range: the part to read.
      block_bytes: how many bytes of a gzip file to take at once.

    Yields:
      The index of the block in its file and its lines, with their ends. The only block of a range
      in which no line starts is empty.

    Raises:
      InputError: if a gzip file is truncated, damaged or holds nothing.
    """
    with tf.io.gfile.GFile(block_range.path, "rb") as file:
        if block_range.is_gzip:
            yield from enumerate(_read_gzip(block_range, file, block_bytes))
        else:
            yield block_range.block_index, _read_range(block_range, file)


def _read_range(block_range: BlockRange, file: tf.io.gfile.GFile) -> bytes:
    # The byte before the range tells whether the range starts with a new line.
    before = min(block_range.start, 1)
    file.seek(block_range.start - before)
    block: bytes = file.read(block_range.end - block_range.start + before)
    if before:
        first = block.find(b"\n") + 1
        block = block[first:] if first else b""
    if not block or block.endswith(b"\n"):
        return block
    rest = bytearray()
    while piece := file.read(_KEPT_BYTES):
        end = piece.find(b"\n") + 1
        rest += piece[:end] if end else piece
        if end or len(rest) >= _KEPT_BYTES:
            break
    return block + bytes(rest)


def _read_gzip(
    block_range: BlockRange, file: tf.io.gfile.GFile, block_bytes: int
) -> Iterator[bytes]:
    num_bytes = 0
    carry = b""
    try:
        with gzip.GzipFile(fileobj=file, mode="rb") as stream:
            while piece := stream.read(block_bytes):
                num_bytes += len(piece)
                end = piece.rfind(b"\n") + 1
                if end:
                    yield carry + piece[:end]
                    carry = piece[end:]
                else:
                    carry = (carry + piece)[:_KEPT_BYTES]
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(
            f"{block_range.path}: the gzip data is truncated or damaged after {num_bytes:,} "
            f"decompressed bytes (the file has {block_range.end:,} bytes): {error}"
        ) from error
    if not num_bytes:
        raise InputError(f"{block_range.path} is empty (gzip data of 0 bytes)")
    if carry:
        yield carry

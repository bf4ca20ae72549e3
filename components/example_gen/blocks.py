"""Text files -> blocks of whole lines, with flat memory.

A plain file is cut by byte ranges that are read independently: a line belongs to the range in
which it starts. A compressed file is one stream and is read in order.
"""

from collections.abc import Iterator

import tensorflow as tf

from components.errors import InputError
from components.example_gen.block_range import BlockRange
from components.example_gen.compression import FileFacts, inspect_file, read_pieces
from components.example_gen.csv_text import split_csv
from components.example_gen.header import check_columns
from components.example_gen.lines import MAX_LINE_BYTES
from schemas.click_log import ClickLog

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# One byte more than a valid line may have: enough to see that a line is too long.
_KEPT_BYTES = MAX_LINE_BYTES + 1


def plan_text_file(
    path: str, file_index: int, click_log: ClickLog, block_bytes: int
) -> list[BlockRange]:
    """Cuts a text file into ranges.

    Args:
      path: the file.
      file_index: its place among all files.
      click_log: the layout of the log.
      block_bytes: the length of a range of a plain file.

    Raises:
      InputError: if the file cannot be read, is empty, is not what its name says, or its header
        lacks a column.
    """
    facts = inspect_file(path)
    size, storage = facts.size, facts.storage
    if storage == "parquet":
        raise InputError(
            f"{path} is a Parquet file ({facts.head.decode()}), but the schema says "
            f"format: {click_log.format}"
        )
    columns, data_start = _read_header(path, facts, click_log)
    if storage != "plain":
        return [BlockRange(path, file_index, 0, 0, size, storage, columns, data_start)]
    if data_start >= size:
        raise InputError(f"{path} has no lines but its header")
    return [
        BlockRange(
            path, file_index, index, start, min(size, start + block_bytes), storage, columns,
            data_start,
        )
        for index, start in enumerate(range(data_start, size, block_bytes))
    ]  # fmt: skip


def _read_header(
    path: str, facts: FileFacts, click_log: ClickLog
) -> tuple[tuple[str, ...] | None, int]:
    """Returns the columns that the header names, if there is one, and where the data starts."""
    if facts.storage == "plain" and not click_log.header:
        # The first bytes are known already.
        start = facts.head
    else:
        start = next(read_pieces(path, facts.storage, _KEPT_BYTES), b"")
    if not start:
        raise InputError(f"{path} is empty ({facts.storage} data of 0 bytes)")
    data_start = len(_BYTE_ORDER_MARK) if start.startswith(_BYTE_ORDER_MARK) else 0
    if not click_log.header:
        return None, data_start
    end = start.find(b"\n", data_start)
    if end < 0 and len(start) >= _KEPT_BYTES:
        raise InputError(f"{path}: its first {_KEPT_BYTES:,} bytes hold no header line")
    line = start[data_start : end if end >= 0 else None].removesuffix(b"\r")
    data_start = end + 1 if end >= 0 else len(start)
    return _header_columns(path, line, click_log), data_start


def _header_columns(path: str, line: bytes, click_log: ClickLog) -> tuple[str, ...]:
    delimiter = click_log.delimiter.encode()
    fields = split_csv(line) if click_log.format == "csv" else line.split(delimiter)
    if fields is None:
        raise InputError(f"{path}: its header has a quote inside a field or without its end")
    names = tuple(field.decode(errors="backslashreplace") for field in fields)
    check_columns(path, names, click_log)
    return names


def read_blocks(block_range: BlockRange, block_bytes: int) -> Iterator[tuple[int, bytes]]:
    """Reads the lines of a range.

    A line longer than `MAX_LINE_BYTES` loses its end, but stays too long to be valid.

    Args:
      block_range: the part to read.
      block_bytes: how many bytes of a compressed file to take at once.

    Yields:
      The index of the block in its file and its lines, with their ends. The only block of a range
      in which no line starts is empty.

    Raises:
      InputError: if a compressed file is truncated or damaged, or holds no lines.
    """
    if block_range.storage == "plain":
        yield block_range.block_index, _read_range(block_range)
    else:
        yield from enumerate(_read_stream(block_range, block_bytes))


def _read_range(block_range: BlockRange) -> bytes:
    with tf.io.gfile.GFile(block_range.path, "rb") as file:
        # The byte before the range tells whether the range starts with a new line.
        before = int(block_range.start > block_range.data_start)
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


def _read_stream(block_range: BlockRange, block_bytes: int) -> Iterator[bytes]:
    skipped, is_empty = block_range.data_start, True
    carry = b""
    for piece in read_pieces(block_range.path, block_range.storage, block_bytes):
        if skipped:
            skipped, piece = max(0, skipped - len(piece)), piece[skipped:]
        is_empty = is_empty and not piece
        end = piece.rfind(b"\n") + 1
        if end:
            yield carry + piece[:end]
            carry = piece[end:]
        else:
            carry = (carry + piece)[:_KEPT_BYTES]
    if is_empty:
        raise InputError(f"{block_range.path} has no lines but its header")
    if carry:
        yield carry

"""Blocks of raw lines -> Arrow columns and the lines that are no rows.

A whole block is decoded by columns, and accepted only if every line is valid. A block with a bad
line is checked line by line, and its valid lines are decoded again.
"""

import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv

from components.example_gen.columns import InvalidValueError, KnownBytes, typed_column
from components.example_gen.csv_text import has_stray_quote
from components.example_gen.layout import LineLayout
from components.example_gen.lines import MAX_LINE_BYTES, check_line
from components.example_gen.values import CONTROL_BYTES, Rejection
from schemas.click_log import raw_arrow_schema

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_CONTROL_BYTES_BUT_LINE_ENDS = CONTROL_BYTES.replace(b"\n", b"")


class RejectedLine(NamedTuple):
    """A line that is no row: its place in the block (from 0), why, and its raw bytes."""

    position: int
    rejection: Rejection
    raw: bytes


class DecodedBlock(NamedTuple):
    """The decoded block.

    Attributes:
      table: the rows, columns as in `schemas.click_log.raw_arrow_schema`, null where missing.
      checksums: uint32 `[num_rows]`, CRC-32 of each row's line without its end. The line of a
        Parquet row is what `parquet_rows` makes of it.
      num_bytes: int64 `[num_rows]`, bytes of each row's line with its end.
      times: int64 `[num_rows]`, the values of the log's time column; None where it has none.
      rejected: the other lines.
    """

    table: pa.Table
    checksums: np.ndarray
    num_bytes: np.ndarray
    times: np.ndarray | None
    rejected: list[RejectedLine]

    @property
    def num_lines(self) -> int:
        """The number of lines that the block had."""
        return self.table.num_rows + len(self.rejected)


def decode_block(block: bytes, layout: LineLayout) -> DecodedBlock:
    r"""Decodes whole lines.

    Args:
      block: lines that end in `\n` or `\r\n`; the last one may lack its end.
      layout: how the lines are made up.
    """
    lines = _split(block)
    num_bytes = np.fromiter(map(len, lines), np.int64, len(lines)) + 1
    if block and not block.endswith(b"\n"):
        num_bytes[-1] -= 1
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n")
        lines = _split(block)
    if num_bytes.max(initial=0) <= MAX_LINE_BYTES:
        rows = _decode_if_valid(block, len(lines), layout)
        if rows is not None:
            return DecodedBlock(rows.table, _checksums(lines), num_bytes, rows.times, [])
    return _decode_valid_lines(lines, num_bytes, layout)


def _decode_valid_lines(
    lines: Sequence[bytes], num_bytes: np.ndarray, layout: LineLayout
) -> DecodedBlock:
    rejections = [check_line(line, layout) for line in lines]
    is_valid = np.array([rejection is None for rejection in rejections], bool)
    valid = [lines[position] for position in np.flatnonzero(is_valid)]
    rows = _decode_if_valid(b"".join(line + b"\n" for line in valid), len(valid), layout)
    if rows is None:
        raise AssertionError(f"check_line and the decoder disagree on {lines!r:.2000}")
    rejected = [
        RejectedLine(position, rejection, lines[position][:MAX_LINE_BYTES])
        for position, rejection in enumerate(rejections)
        if rejection is not None
    ]
    return DecodedBlock(rows.table, _checksums(valid), num_bytes[is_valid], rows.times, rejected)


class _Rows(NamedTuple):
    table: pa.Table
    times: np.ndarray | None


def _decode_if_valid(block: bytes, num_lines: int, layout: LineLayout) -> _Rows | None:
    """Returns the rows of a block, or None if any of its lines is not valid."""
    if not num_lines:
        times = np.empty(0, np.int64) if layout.click_log.time_column else None
        return _Rows(raw_arrow_schema(layout.click_log).empty_table(), times)
    if not _may_be_valid(block, layout):
        return None
    try:
        batch = _read_csv(block, layout)
        return _typed(batch, block, layout) if batch.num_rows == num_lines else None
    except (pa.ArrowInvalid, InvalidValueError):
        return None


def _may_be_valid(block: bytes, layout: LineLayout) -> bool:
    """Checks what is told by the bytes alone; what is then left Arrow reads as `check_line`."""
    if layout.valid_bytes is not None:
        if block.translate(None, layout.valid_bytes):
            return False
    elif b"\r" in block or not _is_utf8(block):
        return False
    return not (layout.has_quotes and has_stray_quote(block))


def _is_utf8(block: bytes) -> bool:
    if block.isascii():
        return True
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True


def _read_csv(block: bytes, layout: LineLayout, only: str | None = None) -> pa.RecordBatch:
    """Reads the used columns of all lines; with `only` that one, in which no value is missing."""
    log = layout.click_log
    types = dict.fromkeys(layout.used_columns, pa.binary())
    if layout.valid_bytes is not None:
        # No byte of the block is a space or an `x`, which Arrow would take for part of a number.
        integers = {*log.dense_features, log.time_column} - {*log.categorical_features}
        types |= {name: pa.int64() for name in integers if name and name != log.label.column}
    if block.startswith(_BYTE_ORDER_MARK):
        block = _BYTE_ORDER_MARK + block  # Arrow takes one away, and this one is a value's.
    # Not `read_csv`: on Python 3.10 each call of it walks all objects of the process (a workaround
    # for signal handlers), which with TensorFlow loaded costs several times the decoding.
    reader = pyarrow.csv.open_csv(
        pa.BufferReader(block),
        read_options=pyarrow.csv.ReadOptions(
            column_names=layout.columns, use_threads=False, block_size=len(block) + 1
        ),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=log.delimiter,
            quote_char='"' if layout.has_quotes and b'"' in block else False,
            ignore_empty_lines=False,
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            include_columns=[only] if only else layout.used_columns,
            column_types=types,
            null_values=[] if only else log.missing_values,
            strings_can_be_null=True,
        ),
    )
    return reader.read_next_batch()


def _typed(batch: pa.RecordBatch, block: bytes, layout: LineLayout) -> _Rows:
    """Turns texts into typed columns.

    Raises:
      InvalidValueError: if a value breaks a rule.
      pa.ArrowInvalid: if a value is no number.
    """
    log = layout.click_log
    raw = dict(zip(batch.schema.names, batch.columns, strict=True))
    label = log.label.column
    if raw[label].null_count:
        # A label is never missing, though it may look like a missing value of a feature.
        raw[label] = _read_csv(block, layout, only=label).column(0)
    are_few = layout.valid_bytes is not None
    without_controls = block if are_few else block.translate(None, _CONTROL_BYTES_BUT_LINE_ENDS)
    known = KnownBytes(are_few, have_controls=len(without_controls) < len(block))
    arrays = [
        typed_column(raw[name], kind, log.label.positive_from, known) for name, kind in layout.kinds
    ]
    schema = raw_arrow_schema(log)
    table = pa.Table.from_arrays(arrays[: len(schema)], schema=schema)
    return _Rows(table, arrays[-1].to_numpy() if log.time_column else None)


def _split(block: bytes) -> list[bytes]:
    lines = block.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return lines


def _checksums(lines: Sequence[bytes]) -> np.ndarray:
    return np.fromiter(map(zlib.crc32, lines), np.uint32, len(lines))

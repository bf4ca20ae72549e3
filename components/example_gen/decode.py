"""Blocks of raw lines -> Arrow columns and the lines that are no rows.

A whole block is decoded by columns, and accepted only if every line is valid. A block with a bad
line is checked line by line, and its valid lines are decoded again.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from components.example_gen.lines import (
    MAX_CATEGORY_DIGITS,
    MAX_LINE_BYTES,
    Rejection,
    check_line,
)
from schemas.criteo import (
    CATEGORICAL_FEATURES,
    DENSE_FEATURES,
    LABEL,
    MISSING_INTEGER,
    RAW_COLUMNS,
    raw_arrow_schema,
)

_VALID_BYTES = b"0123456789abcdefABCDEF-\t\n"
_COLUMN_TYPES = {field.name: field.type for field in raw_arrow_schema()} | {LABEL: pa.binary()}


class RejectedLine(NamedTuple):
    """A line that is no row: its place in the block (from 0), why, and its raw bytes."""

    position: int
    rejection: Rejection
    raw: bytes


class DecodedBlock(NamedTuple):
    """The decoded block.

    Attributes:
      table: the rows, columns as in `schemas.criteo.raw_arrow_schema`, null where missing.
      lines: the raw line of each row of `table`.
      rejected: the other lines.
    """

    table: pa.Table
    lines: list[bytes]
    rejected: list[RejectedLine]

    @property
    def num_lines(self) -> int:
        """The number of lines that the block had."""
        return len(self.lines) + len(self.rejected)


def decode_block(block: bytes) -> DecodedBlock:
    r"""Decodes whole lines.

    Args:
      block: lines that end in `\n` or `\r\n`; the last one may lack its end.
    """
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n")
    lines = block.split(b"\n")
    if not lines[-1]:
        lines.pop()
    table = _decode_if_valid(block, len(lines))
    if table is not None:
        return DecodedBlock(table, lines, [])
    return _decode_valid_lines(lines)


def _decode_valid_lines(lines: list[bytes]) -> DecodedBlock:
    valid: list[bytes] = []
    rejected: list[RejectedLine] = []
    for position, line in enumerate(lines):
        rejection = check_line(line)
        if rejection is None:
            valid.append(line)
        else:
            rejected.append(RejectedLine(position, rejection, line[:MAX_LINE_BYTES]))
    table = _decode_if_valid(b"".join(line + b"\n" for line in valid), len(valid))
    if table is None:
        raise AssertionError(f"check_line and the decoder disagree on {lines!r:.2000}")
    return DecodedBlock(table, valid, rejected)


def _decode_if_valid(block: bytes, num_lines: int) -> pa.Table | None:
    """Returns the rows of a block, or None if any of its lines is not valid."""
    if not num_lines:
        return raw_arrow_schema().empty_table()
    if block.translate(None, _VALID_BYTES):
        return None
    try:
        table = _read_csv(block)
    except pa.ArrowInvalid:
        return None
    label = _decode_label(table[LABEL].combine_chunks())
    if table.num_rows != num_lines or label is None:
        return None
    for name in DENSE_FEATURES:
        smallest = pc.min(table[name]).as_py()
        if smallest is not None and smallest <= MISSING_INTEGER:
            return None
    if not all(
        _is_category(chunk) for name in CATEGORICAL_FEATURES for chunk in table[name].chunks
    ):
        return None
    return table.set_column(0, LABEL, label)


def _read_csv(block: bytes) -> pa.Table:
    # Not `read_csv`: on Python 3.10 each call of it walks all objects of the process (a workaround
    # for signal handlers), which with TensorFlow loaded costs several times the decoding.
    reader = pyarrow.csv.open_csv(
        pa.BufferReader(block),
        read_options=pyarrow.csv.ReadOptions(
            column_names=RAW_COLUMNS, use_threads=False, block_size=len(block) + 1
        ),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter="\t", quote_char=False, ignore_empty_lines=False
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=_COLUMN_TYPES, null_values=[""], strings_can_be_null=True
        ),
    )
    return reader.read_all()


def _decode_label(column: pa.Array) -> pa.Array | None:
    """Returns the int64 labels, or None unless every value is the one byte `0` or `1`."""
    if column.null_count:
        return None
    digits = _values(column)
    # No value is empty, so as many bytes as values means one byte each.
    if len(digits) != len(column) or not np.isin(digits, (ord("0"), ord("1"))).all():
        return None
    return pa.array((digits - ord("0")).astype(np.int64))


def _is_category(column: pa.Array) -> bool:
    """Whether no value has a minus or too many digits (other bytes were excluded before)."""
    longest = pc.max(pc.binary_length(column)).as_py() or 0
    return longest <= MAX_CATEGORY_DIGITS and not (_values(column) == ord("-")).any()


def _values(column: pa.Array) -> np.ndarray:
    """Returns the bytes of all values, one after the other, uint8."""
    _, offsets, values = column.buffers()
    ends = np.frombuffer(offsets, np.int32)[[column.offset, column.offset + len(column)]]
    if values is None:
        return np.empty(0, np.uint8)
    return np.frombuffer(values, np.uint8)[ends[0] : ends[1]]

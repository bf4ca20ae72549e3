"""Parquet files -> rows, by the same rules as lines of text.

A row counts as the line that its values make: tab-separated texts of the label, the weight, the
features and the time column, empty where null.
"""

import contextlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from components.errors import InputError
from components.example_gen.block_range import BlockRange
from components.example_gen.compression import inspect_file
from components.example_gen.decode import DecodedBlock, RejectedLine
from components.example_gen.header import check_columns
from components.example_gen.layout import LineLayout, column_kinds, used_columns
from components.example_gen.lines import MAX_LINE_BYTES, check_fields, check_length
from components.example_gen.parquet_columns import (
    check_types,
    plain_column,
    typed_column,
    value_texts,
)
from components.files import ArrowFile
from schemas.click_log import ClickLog, raw_arrow_schema

# A chunk of a column may be far smaller than its values (a dictionary): each counts for at least
# this many bytes.
_MIN_VALUE_BYTES = 4


def plan_parquet_file(
    path: str, file_index: int, click_log: ClickLog, block_bytes: int
) -> list[BlockRange]:
    """Cuts a Parquet file into ranges of whole row groups.

    Small row groups are read together, up to `block_bytes`; a larger one makes several blocks.

    Raises:
      InputError: if the file cannot be read, has no rows, or lacks a column, or one has a wrong
        type.
    """
    facts = inspect_file(path)
    if facts.storage != "parquet":
        raise InputError(
            f"{path} does not start like Parquet data (50 41 52 31), it starts with "
            f"{facts.head.hex(' ')}"
        )
    groups = _row_groups(path, click_log)
    if not sum(group.num_rows for group in groups):
        raise InputError(f"{path} is empty (Parquet data of 0 rows)")
    ranges: list[BlockRange] = []
    start = block_index = 0
    while start < len(groups):
        end = start + 1
        while end < len(groups) and _total(groups[start : end + 1]).num_bytes <= block_bytes:
            end += 1
        ranges.append(BlockRange(path, file_index, block_index, start, end, "parquet", None, 0))
        total = _total(groups[start:end])
        block_index += -(-total.num_rows // total.block_rows(block_bytes))
        start = end
    return ranges


class _Size(NamedTuple):
    """The rows of row groups, and about the bytes of their used values."""

    num_rows: int
    num_bytes: int

    def block_rows(self, block_bytes: int) -> int:
        """Returns the rows of a block: about `block_bytes`, and all if they fit."""
        return max(1, self.num_rows * block_bytes // max(1, self.num_bytes, block_bytes))


def _total(groups: Sequence[_Size]) -> _Size:
    return _Size(sum(group.num_rows for group in groups), sum(group.num_bytes for group in groups))


def _row_groups(path: str, click_log: ClickLog) -> list[_Size]:
    """Returns the sizes of the row groups of a file with the right columns."""
    with _damage_as_input_error(path), ArrowFile(path, "rb") as file:
        parquet = pq.ParquetFile(file)
        metadata, schema = parquet.metadata, parquet.schema_arrow
    check_columns(path, schema.names, click_log)
    check_types(path, schema, click_log)
    return _sizes(metadata, click_log, range(metadata.num_row_groups))


def _sizes(metadata: pq.FileMetaData, click_log: ClickLog, groups: Iterable[int]) -> list[_Size]:
    names = used_columns(click_log)
    sizes = []
    for group in map(metadata.row_group, groups):
        chunks = [group.column(index) for index in range(group.num_columns)]
        num_bytes = sum(
            max(chunk.total_uncompressed_size, _MIN_VALUE_BYTES * group.num_rows)
            for chunk in chunks
            if chunk.path_in_schema in names
        )
        sizes.append(_Size(group.num_rows, num_bytes))
    return sizes


def read_rows(
    block_range: BlockRange, click_log: ClickLog, block_bytes: int
) -> Iterator[tuple[int, DecodedBlock]]:
    """Reads and decodes the rows of a range.

    Args:
      block_range: the part to read.
      click_log: the log.
      block_bytes: as given to `plan_parquet_file`.

    Yields:
      The index of the block in its file, and the block.

    Raises:
      InputError: if the file is damaged.
    """
    batches = _read_batches(block_range, click_log, block_bytes)
    for block_index, batch in enumerate(batches, block_range.block_index):
        yield block_index, decode_rows(batch, click_log)


def _read_batches(
    block_range: BlockRange, click_log: ClickLog, block_bytes: int
) -> Iterator[pa.RecordBatch]:
    path, groups = block_range.path, list(range(block_range.start, block_range.end))
    with _damage_as_input_error(path), ArrowFile(path, "rb") as file:
        parquet = pq.ParquetFile(file)
        total = _total(_sizes(parquet.metadata, click_log, groups))
        block_rows = total.block_rows(block_bytes)
        batches = parquet.iter_batches(
            block_rows, groups, columns=list(used_columns(click_log)), use_threads=False
        )
        yield from _cut(batches, block_rows)


def _cut(batches: Iterable[pa.RecordBatch], num_rows: int) -> Iterator[pa.RecordBatch]:
    """Yields batches of exactly this many rows; the last one may be shorter.

    Arrow's end where a dictionary does.
    """
    parts: list[pa.RecordBatch] = []
    missing = num_rows
    for batch in batches:
        while batch.num_rows:
            parts.append(batch.slice(0, missing))
            batch = batch.slice(parts[-1].num_rows)
            missing -= parts[-1].num_rows
            if not missing:
                yield _joined(parts)
                parts, missing = [], num_rows
    if parts:
        yield _joined(parts)


def _joined(parts: list[pa.RecordBatch]) -> pa.RecordBatch:
    names = parts[0].schema.names
    columns = [[plain_column(part.column(name)) for part in parts] for name in names]
    return pa.RecordBatch.from_arrays([pa.concat_arrays(column) for column in columns], names)


def decode_rows(batch: pa.RecordBatch, click_log: ClickLog) -> DecodedBlock:
    """Decodes the used columns of some rows, of types that `check_types` lets through."""
    missing = pa.array([value.encode() for value in click_log.missing_values], pa.binary())
    columns = {name: batch.column(name) for name in used_columns(click_log)}
    texts = {name: value_texts(column) for name, column in columns.items()}
    typed = [
        typed_column(columns[name], texts[name], kind, missing, click_log.label.positive_from)
        for name, kind in column_kinds(click_log)
    ]
    lines = pc.binary_join_element_wise(
        *texts.values(), b"\t", null_handling="replace", null_replacement=b""
    )
    lengths = pc.binary_length(lines).to_numpy().astype(np.int64)
    is_valid = np.logical_and.reduce([column.is_valid for column in typed])
    is_valid &= lengths <= MAX_LINE_BYTES
    selected = pa.array(is_valid)
    schema = raw_arrow_schema(click_log)
    arrays = [column.values.filter(selected) for column in typed]
    return DecodedBlock(
        pa.Table.from_arrays(arrays[: len(schema)], schema=schema),
        _checksums(lines.filter(selected)),
        lengths[is_valid] + 1,
        arrays[-1].to_numpy() if click_log.time_column else None,
        _rejected(np.flatnonzero(~is_valid), lines, texts, click_log),
    )


def _checksums(lines: pa.Array) -> np.ndarray:
    return np.fromiter(map(zlib.crc32, lines.to_pylist()), np.uint32, len(lines))


def _rejected(
    positions: np.ndarray, lines: pa.Array, texts: dict[str, pa.Array], click_log: ClickLog
) -> list[RejectedLine]:
    layout = LineLayout.of(click_log)
    rejected = []
    for position in positions.tolist():
        line = lines[position].as_py()
        fields = {name: column[position].as_py() for name, column in texts.items()}
        rejection = check_length(line) or check_fields(fields, layout)
        if rejection is None:
            raise AssertionError(f"check_fields and the decoder disagree on {fields!r:.2000}")
        rejected.append(RejectedLine(position, rejection, line[:MAX_LINE_BYTES]))
    return rejected


@contextlib.contextmanager
def _damage_as_input_error(path: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: the Parquet data is truncated or damaged: {error}") from error

"""Files of a click log -> ranges for the workers -> decoded blocks."""

from collections.abc import Iterator, Sequence

from components.example_gen.block_range import BlockRange
from components.example_gen.blocks import plan_text_file, read_blocks
from components.example_gen.decode import DecodedBlock, decode_block
from components.example_gen.layout import LineLayout
from components.example_gen.parquet_rows import plan_parquet_file, read_rows
from schemas.click_log import ClickLog


def plan_ranges(paths: Sequence[str], click_log: ClickLog, block_bytes: int) -> list[BlockRange]:
    """Cuts the files into ranges.

    Args:
      paths: the files in their final order.
      click_log: the log.
      block_bytes: about the uncompressed bytes of a block.

    Raises:
      InputError: if a file cannot be read, has no rows, is not what its name or the log says, or
        lacks a column.
    """
    plan = plan_parquet_file if click_log.format == "parquet" else plan_text_file
    return [
        block_range
        for file_index, path in enumerate(paths)
        for block_range in plan(path, file_index, click_log, block_bytes)
    ]


def decode_range(
    block_range: BlockRange, click_log: ClickLog, block_bytes: int
) -> Iterator[tuple[int, DecodedBlock]]:
    """Reads and decodes a range.

    Args:
      block_range: the range.
      click_log: the log, as given to `plan_ranges`.
      block_bytes: as given to `plan_ranges`.

    Yields:
      The index of the block in its file, and the block.

    Raises:
      InputError: if the file is damaged or compressed data holds no rows.
    """
    if block_range.storage == "parquet":
        yield from read_rows(block_range, click_log, block_bytes)
        return
    layout = LineLayout.of(click_log, block_range.columns)
    for block_index, block in read_blocks(block_range, block_bytes):
        yield block_index, decode_block(block, layout)


def first_line(block_range: BlockRange) -> int:
    """Returns the number of the first line of the file that may be a row, from 1."""
    return 1 if block_range.columns is None else 2

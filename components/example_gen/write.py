"""Decoded blocks -> Parquet files of the splits, and their counts."""

import json
import os
from collections import Counter
from collections.abc import Iterator

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf

from components import parquet
from components.errors import InputError
from components.example_gen import quarantine
from components.example_gen.block_range import BlockRange
from components.example_gen.decode import DecodedBlock
from components.example_gen.read import decode_range
from components.example_gen.selection import Selection
from components.example_gen.summary import BlockSummary, row_counts
from components.files import write_text
from components.row_progress import RowProgress
from schemas.click_log import LABEL, ClickLog
from schemas.spans import block_name

# All files of a split, those of an interrupted write too.
BLOCK_FILES = "block-*"
# Measured on real rows: against Snappy, the default, LZ4 writes a fifth faster to the same size.
# Without dictionaries the files are half as large again; Zstandard is a third smaller and slower.
_PARQUET_OPTIONS = {"compression": "lz4", "write_statistics": False}


class DecodeRange(beam.DoFn):
    """Range of a file -> the summaries of its blocks; writes the blocks themselves.

    A file name depends on the place of its block alone, so a retry overwrites.
    """

    def __init__(
        self,
        click_log: ClickLog,
        selection: Selection,
        split_uris: dict[str, str],
        quarantine_uri: str,
        block_bytes: int,
    ) -> None:
        """Keeps what to select and where to write."""
        self._click_log = click_log
        self._selection = selection
        self._split_uris = split_uris
        self._quarantine_uri = quarantine_uri
        self._block_bytes = block_bytes
        self._progress = RowProgress()

    def process(self, block_range: BlockRange) -> Iterator[BlockSummary]:
        """Yields one summary a block; a last one with `error` if the file is damaged."""
        block_index = block_range.block_index
        try:
            for block_index, block in decode_range(block_range, self._click_log, self._block_bytes):
                summary = self._write(block_range.file_index, block_index, block)
                self._progress.add(sum(summary.num_rows.values()))
                yield summary
        except InputError as error:
            failed = BlockSummary.of_lines(block_range.file_index, block_index, 0, {})
            yield failed._replace(error=str(error))

    def _write(self, file_index: int, block_index: int, block: DecodedBlock) -> BlockSummary:
        quarantine.write_part(self._quarantine_uri, file_index, block_index, block.rejected)
        labels = block.table[LABEL].to_numpy()
        selected = self._selection.select(file_index, block_index, block)
        for split, taken in selected.splits.items():
            if taken.any():
                name = f"{block_name(file_index, block_index)}{parquet.SUFFIX}"
                path = os.path.join(self._split_uris[split], name)
                rows = block.table.filter(pa.array(taken)).combine_chunks()
                parquet.write_table(rows, path, **_PARQUET_OPTIONS)
        version = selected.version
        return BlockSummary(
            file_index,
            block_index,
            block.num_lines,
            rejected=dict(Counter(line.rejection.kind for line in block.rejected)),
            log=row_counts(labels, block.num_bytes),
            version=row_counts(labels[version], block.num_bytes[version]),
            num_rows=_sums(selected.splits),
            num_clicks=_sums({split: labels[rows] for split, rows in selected.splits.items()}),
            num_rows_before_sampling=_sums(selected.before_sampling),
        )


def _sums(arrays: dict[str, np.ndarray]) -> dict[str, int]:
    return {name: int(array.sum()) for name, array in arrays.items()}


def write_summaries(blocks: list[BlockSummary], path: str) -> None:
    """Writes the summaries of the blocks, for `read_summaries`."""
    write_text(path, json.dumps(blocks))


def read_summaries(path: str) -> list[BlockSummary]:
    """Reads the summaries of the blocks in the order of the log, and removes the file."""
    with tf.io.gfile.GFile(path) as file:
        blocks = [BlockSummary(*values) for values in json.loads(file.read())]
    tf.io.gfile.remove(path)
    return sorted(blocks, key=lambda block: block.place)

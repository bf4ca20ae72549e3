"""TFDV's statistics over raw Parquet files, fed by large record batches."""

import os
from collections.abc import Iterator

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow_data_validation as tfdv

from components.parquet import read_table
from components.progress import report

# TFX reads statistics from a file of this name in each split's folder.
STATISTICS_FILE = "FeatureStats.pb"


def to_list_batch(rows: pa.Table) -> pa.RecordBatch:
    """Returns the columns as TFDV wants them: a list of one value a row, null where missing.

    Args:
      rows: primitive or binary columns.
    """
    columns = []
    for column in rows.combine_chunks().columns:
        values = column.chunk(0) if column.num_chunks else pa.array([], column.type)
        valid = values.is_valid().to_numpy(zero_copy_only=False)
        offsets = np.concatenate([[0], np.cumsum(valid)])
        # A null list is marked by a null offset.
        starts = pa.array(offsets, pa.int64(), mask=np.append(~valid, False))
        columns.append(pa.LargeListArray.from_arrays(starts, values.drop_null()))
    return pa.RecordBatch.from_arrays(columns, rows.column_names)


class _ReadBatches(beam.DoFn):
    """A raw Parquet file to record batches."""

    def __init__(self, split: str) -> None:
        self._split = split
        self._num_rows = 0

    def process(self, path: str) -> Iterator[pa.RecordBatch]:
        rows = read_table(path)
        if rows.num_rows:
            yield to_list_batch(rows)
        self._num_rows += rows.num_rows
        report(f"{self._num_rows:,} rows of {self._split}")


def write_statistics(pipeline: beam.Pipeline, split: str, files: list[str], folder: str) -> None:
    """Adds the statistics of one split to a Beam pipeline.

    Numbers of distinct values are sketched, which halves the time.

    Args:
      pipeline: the pipeline to add to.
      split: its name.
      files: its raw Parquet files.
      folder: where `STATISTICS_FILE` goes.
    """
    options = tfdv.StatsOptions(experimental_use_sketch_based_topk_uniques=True)
    _ = (
        pipeline
        | f"Files[{split}]" >> beam.Create(files)
        | f"SpreadFiles[{split}]" >> beam.Reshuffle()
        | f"Read[{split}]" >> beam.ParDo(_ReadBatches(split))
        | f"Generate[{split}]" >> tfdv.GenerateStatistics(options)
        | f"Write[{split}]"
        >> tfdv.WriteStatisticsToBinaryFile(os.path.join(folder, STATISTICS_FILE))
    )

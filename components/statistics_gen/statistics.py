"""TFDV's statistics over raw Parquet files, fed by large record batches."""

import os
from collections.abc import Iterator, Mapping, Sequence

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow_data_validation as tfdv

from components.parquet import read_table
from components.row_progress import RowProgress

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


def statistics_options() -> tfdv.StatsOptions:
    """Returns how TFDV computes the statistics.

    Numbers of distinct values and the most frequent values are sketched, which halves the time and
    bounds the memory. Quantiles come in steps of 1 %, each off by a tenth of that at most:
    ExampleValidator compares them between the splits. They cost no more time than TFDV's 10 steps.
    """
    return tfdv.StatsOptions(
        experimental_use_sketch_based_topk_uniques=True,
        num_quantiles_histogram_buckets=100,
        epsilon=0.001,
    )


class _ReadBatches(beam.DoFn):
    """(split, raw Parquet file) to record batches, in the output that the split names."""

    def __init__(self) -> None:
        self._progress = RowProgress()

    def process(self, element: tuple[str, str]) -> Iterator[beam.pvalue.TaggedOutput]:
        split, path = element
        rows = read_table(path)
        if rows.num_rows:
            yield beam.pvalue.TaggedOutput(split, to_list_batch(rows))
        self._progress.add(rows.num_rows)


def write_statistics(
    pipeline: beam.Pipeline, files: Mapping[str, Sequence[str]], folders: Mapping[str, str]
) -> None:
    """Adds the statistics of all splits to a Beam pipeline.

    Args:
      pipeline: the pipeline to add to.
      files: split -> its raw Parquet files.
      folders: split -> where its `STATISTICS_FILE` goes.
    """
    batches = (
        pipeline
        | "Files" >> beam.Create([(split, path) for split in files for path in files[split]])
        | "SpreadFiles" >> beam.Reshuffle()
        | "Read" >> beam.ParDo(_ReadBatches()).with_outputs(*files)
    )
    for split, folder in folders.items():
        _ = (
            batches[split]
            | f"Generate[{split}]" >> tfdv.GenerateStatistics(statistics_options())
            | f"Write[{split}]"
            >> tfdv.WriteStatisticsToBinaryFile(os.path.join(folder, STATISTICS_FILE))
        )

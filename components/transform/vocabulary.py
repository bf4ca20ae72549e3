"""One vocabulary file for all categorical features, counted column by column with Arrow.

The counting is columnar: Arrow's `value_counts` per file and feature, merged per feature by a
Beam combiner. Nothing is done per row in Python.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf

from components.errors import InputError
from components.parquet import read_table, write_table
from components.progress import report
from schemas.criteo import CATEGORICAL_FEATURES

# Partial counts are merged once the newer ones hold more values than this and than the oldest one:
# so memory stays within twice the distinct values, and merging costs no more than counting.
_COMPACT_ROWS = 65_536


@dataclass(frozen=True)
class PackedVocabulary:
    """The values of all features in one file, feature after feature.

    A line is `feature:value`. The values of a feature stand together, most frequent first, ties
    in byte order.

    Attributes:
      path: the text file, one key a line.
      num_values: feature name -> number of its values, in column order.
    """

    path: str
    num_values: dict[str, int]


def count_values(rows: pa.Table, feature: str) -> pa.Table:
    """Counts the values of one column, missing ones left out.

    Returns:
      columns `value` (binary) and `count` (int64), one row a distinct value, in no order.
    """
    counts = pc.value_counts(rows[feature].combine_chunks())
    table = pa.table({"value": counts.field("values"), "count": counts.field("counts")})
    return table.filter(pc.is_valid(table["value"]))


def merge_counts(parts: Iterable[pa.Table]) -> pa.Table:
    """Adds up the counts of equal values in several tables of `count_values`."""
    counts = pa.concat_tables(parts)
    if not counts.num_rows:  # grouping nothing gives pyarrow 10 an array with 2 GB of garbage
        return counts
    merged = counts.group_by("value").aggregate([("count", "sum")])
    return pa.table({"value": merged["value"], "count": merged["count_sum"]})


def select_values(counts: pa.Table, frequency_threshold: int) -> pa.Array:
    """Returns the values seen `frequency_threshold` times or more, most frequent first."""
    frequent = counts.filter(pc.greater_equal(counts["count"], frequency_threshold))
    ordered = frequent.sort_by([("count", "descending"), ("value", "ascending")])
    return ordered["value"].combine_chunks()


class _CountFile(beam.DoFn):
    """A raw Parquet file to one (feature, counts) pair a feature."""

    def __init__(self) -> None:
        self._num_rows = 0

    def process(self, path: str) -> Iterator[tuple[str, pa.Table]]:
        rows = read_table(path, columns=list(CATEGORICAL_FEATURES))
        self._num_rows += rows.num_rows
        report(f"vocabulary: {self._num_rows:,} rows")
        for feature in CATEGORICAL_FEATURES:
            yield feature, count_values(rows, feature)


class _MergeCounts(beam.CombineFn):
    """Merges the counts of one feature; an accumulator is a list of count tables."""

    def create_accumulator(self) -> list[pa.Table]:
        return []

    def add_input(self, accumulator: list[pa.Table], part: pa.Table) -> list[pa.Table]:
        accumulator.append(part)
        return self._compacted(accumulator)

    def merge_accumulators(self, accumulators: Iterable[list[pa.Table]]) -> list[pa.Table]:
        return self._compacted([part for parts in accumulators for part in parts])

    def extract_output(self, accumulator: list[pa.Table]) -> pa.Table:
        return merge_counts(accumulator)

    def _compacted(self, parts: list[pa.Table]) -> list[pa.Table]:
        newer_rows = sum(part.num_rows for part in parts[1:])
        if newer_rows > max(_COMPACT_ROWS, parts[0].num_rows if parts else 0):
            return [merge_counts(parts)]
        return parts


def _selected_path(folder: str, feature: str) -> str:
    return os.path.join(folder, f"{feature}.parquet")


def select_with_beam(
    pipeline: beam.Pipeline, files: list[str], frequency_threshold: int, folder: str
) -> None:
    """Adds the counting of all vocabularies to a Beam pipeline.

    Args:
      pipeline: the pipeline to add to.
      files: raw Parquet files, the train split's.
      frequency_threshold: see `TransformConfig`.
      folder: where each feature's selected values go, one Parquet file a feature.
    """

    def write_selected(feature: str, counts: pa.Table) -> str:
        values = select_values(counts, frequency_threshold)
        write_table(pa.table({"value": values}), _selected_path(folder, feature))
        return feature

    _ = (
        pipeline
        | "Files" >> beam.Create(files)
        | "SpreadFiles" >> beam.Reshuffle()
        | "CountValues" >> beam.ParDo(_CountFile())
        | "MergeCounts" >> beam.CombinePerKey(_MergeCounts())
        | "WriteSelected" >> beam.MapTuple(write_selected)
    )


def pack(folder: str) -> PackedVocabulary:
    """Joins the selected values of all features in `folder` into one vocabulary file.

    Raises:
      InputError: if no feature has a selected value.
    """
    path = os.path.join(folder, "vocabulary.txt")
    num_values: dict[str, int] = {}
    with tf.io.gfile.GFile(path, "wb") as file:
        for feature in CATEGORICAL_FEATURES:
            values = read_table(_selected_path(folder, feature))["value"]
            num_values[feature] = len(values)
            prefix = feature.encode() + b":"
            for chunk in values.iterchunks():
                keys = pc.binary_join_element_wise(prefix, chunk, b"\n", b"")
                file.write(b"".join(keys.to_pylist()))
    if not any(num_values.values()):
        raise InputError(
            "the vocabulary is empty: no categorical value of the train split is frequent enough; "
            "lower transform.frequency_threshold or bring more rows"
        )
    return PackedVocabulary(path, num_values)

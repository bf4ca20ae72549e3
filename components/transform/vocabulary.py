"""One vocabulary file for all categorical features, counted column by column with Arrow.

Counting is columnar and its memory bounded, whatever the number of distinct values: see
`spilled_counts`. Only the values that enter a vocabulary have to fit into memory, one feature at a
time.
"""

import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.windowed_value import WindowedValue

from components.errors import InputError
from components.parquet import SUFFIX, read_table, write_table
from components.progress import report
from components.row_progress import RowProgress
from components.transform.config import CategoricalTreatment
from components.transform.spilled_counts import BoundedCounts, Run, Shard, plan_shards, read_shard
from components.transform.value_counts import count_values, select_values

# Counts that a worker holds before it spills them, and counts that are merged at once.
BOUND_BYTES = 16 * 2**20

# Files are counted in so many groups at most: each may end in a spill file, and every shard reads
# from each of these.
_MAX_GROUPS = 512
_PACKED_ROWS = 65_536


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


def count_vocabulary(
    make_pipeline: Callable[[], beam.Pipeline],
    files: Sequence[str],
    treatments: Mapping[str, CategoricalTreatment],
    folder: str,
    bound_bytes: int = BOUND_BYTES,
) -> PackedVocabulary | None:
    """Counts the values of the features that have a vocabulary, and packs the frequent ones.

    The result depends on nothing but the rows and the treatments.

    Args:
      make_pipeline: makes the Beam pipeline that counts.
      files: raw Parquet files, the train split's.
      treatments: feature -> its treatment; those without a vocabulary are left out.
      folder: on a file system that all workers share, made if absent. In the end it holds the
        packed file and nothing else of this function.
      bound_bytes: the size of the counts that a worker holds, and of those that are merged at once.

    Returns:
      the packed vocabulary, or None if no feature has one.

    Raises:
      InputError: if no feature has a frequent value.
    """
    treatments = {name: t for name, t in treatments.items() if t.method == "vocabulary"}
    if not treatments:
        return None
    counts = os.path.join(folder, f"counts-{uuid.uuid4().hex}")
    selected = os.path.join(counts, "selected")
    tf.io.gfile.makedirs(selected)
    groups = [list(files[start::_MAX_GROUPS]) for start in range(min(_MAX_GROUPS, len(files)))]
    try:
        with make_pipeline() as pipeline:
            _ = (
                pipeline
                | "Groups" >> beam.Create(groups)
                | "SpreadGroups" >> beam.Reshuffle()
                | "Count" >> beam.ParDo(_Count(list(treatments), counts, bound_bytes))
                | "GroupRuns" >> beam.GroupByKey()
                | "PlanShards" >> beam.FlatMap(_plan, bound_bytes)
                | "SpreadShards" >> beam.Reshuffle()
                | "Select" >> beam.Map(_write_selected, treatments, selected)
            )
        return _pack(selected, treatments, os.path.join(folder, "vocabulary.txt"))
    finally:
        tf.io.gfile.rmtree(counts)


class _Count(beam.DoFn):
    """Groups of raw Parquet files to (feature, run of counts) pairs."""

    def __init__(self, features: list[str], folder: str, bound_bytes: int) -> None:
        self._features = features
        self._folder = folder
        self._bound_bytes = bound_bytes
        self._progress = RowProgress("vocabulary: ")

    def start_bundle(self) -> None:
        self._counts = BoundedCounts(self._folder, self._bound_bytes)

    def process(self, paths: list[str]) -> Iterator[tuple[str, Run]]:
        for path in paths:
            rows = read_table(path, columns=self._features, dictionary_columns=self._features)
            for feature in self._features:
                yield from self._counts.add(feature, count_values(rows[feature]))
            self._progress.add(rows.num_rows)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        for run in self._counts.spill():
            yield GlobalWindows.windowed_value(run)


def _plan(runs_of: tuple[str, Iterable[Run]], bound_bytes: int) -> Iterator[tuple[str, Shard]]:
    feature, runs = runs_of
    for shard in plan_shards(runs, bound_bytes):
        yield feature, shard


def _write_selected(
    shard_of: tuple[str, Shard], treatments: dict[str, CategoricalTreatment], folder: str
) -> None:
    feature, shard = shard_of
    report(f"vocabulary: selecting values of {feature}")
    treatment = treatments[feature]
    counts = read_shard(shard)
    values = select_values(counts, treatment.frequency_threshold, treatment.max_values)
    if values.num_rows:
        # No name of a feature has a minus.
        write_table(values, os.path.join(folder, f"{feature}-{shard.first_bucket}{SUFFIX}"))


def _pack(
    selected: str, treatments: Mapping[str, CategoricalTreatment], path: str
) -> PackedVocabulary:
    """Joins the selected values of all features into one file."""
    num_values: dict[str, int] = {}
    temporary = os.path.join(selected, "packed")
    with tf.io.gfile.GFile(temporary, "wb") as file:
        for feature, treatment in treatments.items():
            values = _read_selected(selected, feature, treatment.max_values)
            num_values[feature] = len(values)
            for start in range(0, len(values), _PACKED_ROWS):
                file.write(_lines(feature, values.slice(start, _PACKED_ROWS)))
    if not any(num_values.values()):
        raise InputError(
            "the vocabulary is empty: no categorical value of the train split is frequent enough; "
            "lower transform.categorical.frequency_threshold or bring more rows"
        )
    tf.io.gfile.rename(temporary, path, overwrite=True)
    return PackedVocabulary(path, num_values)


def _read_selected(folder: str, feature: str, max_values: int | None) -> pa.ChunkedArray:
    """Returns the values of a feature in the order of their ids."""
    paths = tf.io.gfile.glob(os.path.join(folder, f"{feature}-*{SUFFIX}"))
    if not paths:
        return pa.chunked_array([], pa.binary())
    shards = [read_table(path) for path in paths]
    if len(shards) == 1:
        return shards[0]["value"]
    return select_values(pa.concat_tables(shards), max_values=max_values)["value"]


def _lines(feature: str, values: pa.ChunkedArray) -> bytes:
    prefix = feature.encode() + b":"
    lines = pc.binary_join_element_wise(prefix, values.combine_chunks(), b"\n", b"")
    _, offsets_buffer, content = lines.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int32)[lines.offset :][: len(lines) + 1]
    return content[int(offsets[0]) : int(offsets[-1])].to_pybytes()

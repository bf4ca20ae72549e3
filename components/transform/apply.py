"""The Beam pipeline that transforms all files and counts the ids of the train split."""

import os
from collections.abc import Callable, Mapping, Sequence

import apache_beam as beam
import tensorflow as tf
from apache_beam.utils import shared

from components.id_counts import write_id_counts
from components.parquet import read_table, write_table
from components.row_progress import RowProgress
from components.transform.counting import CountingDoFn, count_with, to_table
from components.transform.fast_apply import FastApply
from components.transform.preprocessing import Preprocessing
from schemas.click_log import TRAIN_SPLIT

# Against Snappy, the default, LZ4 is a little smaller, and faster to write and to read again.
_PARQUET_OPTIONS = {"compression": "lz4", "use_dictionary": False, "write_statistics": False}


class _Apply(CountingDoFn):
    """(raw file, transformed file, whether to count): counts the ids in counted files."""

    def __init__(self, preprocessing: Preprocessing, folder: str) -> None:
        super().__init__(sum(preprocessing.features.vocabulary_sizes.values()), folder)
        self._preprocessing = preprocessing
        self._shared = shared.Shared()
        self._progress = RowProgress()

    def setup(self) -> None:
        self._apply = self._shared.acquire(self._load)

    def _load(self) -> FastApply:
        return FastApply(self._preprocessing)

    def process(self, paths: tuple[str, str, bool]) -> tuple[()]:
        source, target, counted = paths
        names = self._preprocessing.click_log.categorical_features
        rows = read_table(source, dictionary_columns=names)
        table = self._apply(rows, self._counts if counted else None)
        write_table(table, target, **_PARQUET_OPTIONS)
        self._progress.add(table.num_rows)
        return ()


def apply_to_splits(
    make_pipeline: Callable[[], beam.Pipeline],
    files: Mapping[str, Sequence[str]],
    split_uris: Mapping[str, str],
    preprocessing: Preprocessing,
    transform_graph_uri: str,
    folder: str,
) -> None:
    """Transforms every raw file into a file of the same name with the same rows in order.

    Args:
      make_pipeline: makes the Beam pipeline to run.
      files: split -> its raw Parquet files.
      split_uris: split -> the folder of its transformed files, made if absent.
      preprocessing: what to apply.
      transform_graph_uri: the folder that the counts of the train split's ids are written to
        (`components.id_counts`).
      folder: temporary space that all workers reach, made if absent.
    """
    paths = []
    for split, sources in files.items():
        tf.io.gfile.makedirs(split_uris[split])
        for source in sources:
            target = os.path.join(split_uris[split], os.path.basename(source))
            paths.append((source, target, split == TRAIN_SPLIT))
    counts = count_with(make_pipeline, paths, _Apply(preprocessing, folder))
    write_id_counts(
        transform_graph_uri,
        to_table(counts),
        preprocessing.features.vocabulary_sizes,
        preprocessing.num_oov_ids,
    )
    # Beam keeps the newest shared object of a process: let go of the vocabulary.
    shared.Shared().acquire(_Nothing)


class _Nothing:
    """Takes the place of a shared object."""

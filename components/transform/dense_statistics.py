"""The distributions of the numeric features in the train split, for what depends on them.

Standardizing, quantile scaling and quantile buckets need the train split's values. One pass counts
them in buckets (`value_sketch`); all figures are then worked out from the counts, which are
integers: no order of files, rows, bundles or workers changes a bit of them.

Each value is known within the sketch's `RELATIVE_ERROR` (2**-10), integers below 1,024 exactly. So
a mean is within `RELATIVE_ERROR` times the mean magnitude of the (clipped) values, and a standard
deviation within `RELATIVE_ERROR` times their root mean square; after log1p both are within
`RELATIVE_ERROR`. Quantiles have no error of rank beyond the values that share a bucket.
"""

from collections.abc import Callable, Mapping, Sequence

import apache_beam as beam
import numpy as np

from components.parquet import read_table
from components.row_progress import RowProgress
from components.transform.config import DenseTreatment
from components.transform.counting import CountingDoFn, count_with, to_table
from components.transform.dense_values import needs_sketch
from components.transform.value_sketch import NUM_BUCKETS, ValueSketch, bucket_of
from schemas.click_log import ClickLog


class _CountValues(CountingDoFn):
    """Raw Parquet file -> the counts of the buckets, feature after feature."""

    def __init__(self, features: Sequence[str], folder: str) -> None:
        super().__init__(len(features) * NUM_BUCKETS, folder)
        self._features = list(features)
        self._progress = RowProgress("dense statistics: ")

    def process(self, path: str) -> tuple[()]:
        rows = read_table(path, columns=self._features)
        for position, name in enumerate(self._features):
            values = rows[name].drop_null().to_numpy().astype(np.float64)
            first = position * NUM_BUCKETS
            counts = np.bincount(bucket_of(values), minlength=NUM_BUCKETS)
            self._counts[first : first + NUM_BUCKETS] += counts
        self._progress.add(rows.num_rows)
        return ()


def find_dense_statistics(
    make_pipeline: Callable[[], beam.Pipeline],
    files: Sequence[str],
    click_log: ClickLog,
    treatments: Mapping[str, DenseTreatment],
    folder: str,
) -> dict[str, ValueSketch]:
    """Counts the values of the features whose treatment depends on them.

    Args:
      make_pipeline: makes the Beam pipeline to run.
      files: raw Parquet files, the train split's.
      click_log: the layout of the raw rows.
      treatments: numeric feature -> its treatment.
      folder: temporary space that all workers reach, made if absent.

    Returns:
      feature -> its sketch; empty if no treatment needs one, and then nothing is read.
    """
    types = {column.name: column.type for column in click_log.dense}
    features = [name for name, treatment in treatments.items() if needs_sketch(treatment)]
    if not features:
        return {}
    counts = to_table(count_with(make_pipeline, files, _CountValues(features, folder)))
    return {
        name: ValueSketch.from_table(counts, position * NUM_BUCKETS, types[name] == "integer")
        for position, name in enumerate(features)
    }

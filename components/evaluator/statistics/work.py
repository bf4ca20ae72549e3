"""The pieces of work that the statistics of a comparison are made of.

Each reads the columns that it needs by itself and returns a small table, so pieces run anywhere and
in any order, and memory holds a few columns whatever the number of variants.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from components.evaluator.statistics.calibration import BIN_SUMS, bin_sums
from components.evaluator.statistics.metrics import metrics_of
from components.evaluator.statistics.poisson_weights import PoissonWeights, unit_weights
from components.evaluator.statistics.prediction_reader import (
    read_predictions,
    read_rows,
    read_slices,
)
from components.evaluator.statistics.ranking import Ranking
from components.evaluator.statistics.slice_metrics import SLICE_METRICS, SlicedRows, SliceMetric
from components.evaluator.statistics.slice_places import SlicePlaces
from components.evaluator.statistics.stage import Piece
from components.evaluator.statistics.weighted_sums import WeightedSums

# So many that sorting takes little of the time, so few that their sums stay in the cache.
RESAMPLES_PER_PIECE = 1000
# They share what was sorted; too many would leave workers without a piece.
KEYS_PER_PIECE = 14

REPLICA = "replica"

_SLICE_SCHEMA = pa.schema(
    [
        ("variant", pa.string()),
        ("key", pa.string()),
        ("value", pa.string()),
        ("num_rows", pa.int64()),
        ("num_clicks", pa.int64()),
        *((name, pa.list_(pa.float64())) for name in SLICE_METRICS),
        *((f"{name}_error", pa.float64()) for name in SLICE_METRICS),
        *((f"{name}_difference_error", pa.float64()) for name in SLICE_METRICS),
    ]
)


@dataclass(frozen=True)
class MetricsPiece(Piece):
    """The metrics of a replica in a few resamples.

    Attributes:
      files: the predictions.
      replica: the column.
      threshold: from which prediction on a row counts as a click.
      seed: of the bootstrap.
      first: number of the first resample; at 0 the rows themselves are measured too.
      count: how many resamples there are.
    """

    files: tuple[str, ...]
    replica: str
    threshold: float
    seed: int
    first: int
    count: int

    def measure(self) -> pa.Table:
        """Returns a row a resample; before them that of the rows themselves, if measured.

        Its columns are `REPLICA` and those of `resampled_metrics`.
        """
        rows, (predictions,) = read_rows(self.files, [self.replica])
        ranking = Ranking(rows.is_click, predictions, self.threshold, rows.weights)
        table = resampled_metrics(ranking, self.seed, self.first, self.count)
        return table.append_column(REPLICA, pa.array([self.replica] * len(table)))


def resampled_metrics(ranking: Ranking, seed: int, first: int, count: int) -> pa.Table:
    """Returns a row a resample; if `first` is 0, before them one of the rows themselves.

    Its columns are the metrics (NaN where a class is lacking) and `BIN_SUMS` (flat, null for
    resamples).
    """
    draw = PoissonWeights(seed, first, count)
    parts = [metrics_of(WeightedSums(ranking, draw, count))]
    bins: list[np.ndarray | None] = [None] * count
    if first == 0:
        parts.insert(0, metrics_of(WeightedSums(ranking, unit_weights, 1)))
        bins.insert(0, bin_sums(ranking).ravel())
    metrics = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return pa.table({**metrics, BIN_SUMS: pa.array(bins, pa.list_(pa.float64()))})


@dataclass(frozen=True)
class SlicesPiece(Piece):
    """The metrics of all variants in the slices of some keys.

    Attributes:
      files: the predictions.
      keys: the slice keys.
      variants: variant -> its columns, the baseline first; all have the same number of columns.
      min_rows: smaller slices are left out.
    """

    files: tuple[str, ...]
    keys: tuple[str, ...]
    variants: tuple[tuple[str, tuple[str, ...]], ...]
    min_rows: int

    def measure(self) -> pa.Table:
        """Returns a row a variant and slice.

        Its columns are `variant`, `key`, `value`, `num_rows`, `num_clicks` and for each metric
        `<metric>` (list of one value a replica), `<metric>_error` and `<metric>_difference_error`,
        all null where the metric is not defined.
        """
        keys, names = [], []
        for key in self.keys:
            places, values = self._large_slices(key)
            keys.append((places, len(values)))
            names += [{"key": key, "value": value} for value in values]
        if not names:
            return _SLICE_SCHEMA.empty_table()
        of_all, _ = read_rows(self.files, [])
        rows = SlicedRows(of_all.is_click, SlicePlaces(keys), of_all.weights)
        counts: dict[str, list[Any]] = {
            "num_rows": rows.num_rows.tolist(),
            "num_clicks": rows.num_clicks.tolist(),
        }
        baseline, table = None, []
        for variant, replicas in self.variants:
            measured = rows.measure(read_predictions(self.files, replicas), baseline)
            baseline = baseline or measured
            fields = {**counts, **_metric_fields(measured.metrics)}
            table += [
                {"variant": variant, **slice_name, **dict(zip(fields, row, strict=True))}
                for slice_name, *row in zip(names, *fields.values(), strict=True)
            ]
        return pa.Table.from_pylist(table, schema=_SLICE_SCHEMA)

    def _large_slices(self, key: str) -> tuple[np.ndarray, list[str]]:
        """Returns each row's place among the slices that are large enough, else -1; and these."""
        places, values = read_slices(self.files, key)
        num_rows = np.bincount(places + 1, minlength=len(values) + 1)[1:]
        is_large = num_rows >= self.min_rows
        new_places = np.append(np.where(is_large, np.cumsum(is_large) - 1, -1), -1)
        kept = [value for value, large in zip(values, is_large, strict=True) if large]
        return new_places[places], kept


def _metric_fields(metrics: Mapping[str, SliceMetric]) -> dict[str, list[Any]]:
    """Returns the columns of the metrics, one value a slice, None where one is not defined."""
    fields = {}
    for name, metric in metrics.items():
        is_defined = ~np.isnan(metric.values[0])
        columns = {
            name: metric.values.T,
            f"{name}_error": metric.error,
            f"{name}_difference_error": metric.difference_error,
        }
        for column, values in columns.items():
            pairs = zip(values.tolist(), is_defined, strict=True)
            fields[column] = [value if defined else None for value, defined in pairs]
    return fields

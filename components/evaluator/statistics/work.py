"""The pieces of work that the statistics of a comparison are made of.

Each reads the columns that it needs by itself and returns a small table, so pieces run anywhere and
in any order, and memory holds a few columns whatever the number of variants.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from components.evaluator.config import EvaluatorConfig
from components.evaluator.statistics.metrics import metrics_of
from components.evaluator.statistics.poisson_weights import PoissonWeights, unit_weights
from components.evaluator.statistics.prediction_reader import (
    read_labels,
    read_predictions,
    read_slices,
)
from components.evaluator.statistics.ranking import Ranking
from components.evaluator.statistics.slice_metrics import (
    SLICE_METRICS,
    SliceMetric,
    metric_error,
    slice_metrics,
)
from components.evaluator.statistics.stage import Piece
from components.evaluator.statistics.weighted_sums import WeightedSums

# As many that a chunk of rows still is large enough for numpy.
RESAMPLES_PER_PIECE = 500
BINS = "bins"

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
class RowsPiece(Piece):
    """The metrics of one replica on the rows themselves.

    Attributes:
      files: the predictions.
      replica: the column.
      threshold: from which prediction on a row counts as a click.
    """

    files: tuple[str, ...]
    replica: str
    threshold: float

    def measure(self) -> pa.Table:
        """Returns one row: a column a metric, and `BINS`, flat, as in `WeightedSums.bins`."""
        sums = WeightedSums(_ranking(self), unit_weights, 1)
        columns = {name: pa.array(values) for name, values in metrics_of(sums).items()}
        return pa.table({**columns, BINS: pa.array([sums.bins[:, :, 0].ravel()])})


@dataclass(frozen=True)
class ResamplesPiece(Piece):
    """The metrics of one replica in a few resamples.

    Attributes:
      files: the predictions.
      replica: the column.
      threshold: from which prediction on a row counts as a click.
      seed: of the bootstrap.
      first: number of the first resample.
      count: how many there are.
    """

    files: tuple[str, ...]
    replica: str
    threshold: float
    seed: int
    first: int
    count: int

    def measure(self) -> pa.Table:
        """Returns a row a resample: a column a metric, NaN where a class is lacking."""
        weights = PoissonWeights(self.seed, self.first, self.count)
        return pa.table(metrics_of(WeightedSums(_ranking(self), weights, self.count)))


@dataclass(frozen=True)
class SlicesPiece(Piece):
    """The metrics of all variants in the slices of one key.

    Attributes:
      files: the predictions.
      key: the slice key.
      variants: variant -> its columns, the baseline first; all have the same number of columns.
      min_rows: smaller slices are left out.
    """

    files: tuple[str, ...]
    key: str
    variants: tuple[tuple[str, tuple[str, ...]], ...]
    min_rows: int

    def measure(self) -> pa.Table:
        """Returns a row a variant and slice.

        Its columns are `variant`, `key`, `value`, `num_rows`, `num_clicks` and for each metric
        `<metric>` (list of one value a replica), `<metric>_error` and `<metric>_difference_error`,
        all null where the metric is not defined.
        """
        is_click = read_labels(self.files)
        places, values = read_slices(self.files, self.key)
        slices = [
            (value, rows)
            for value, rows in zip(values, _rows_by_place(places, len(values)), strict=True)
            if len(rows) >= self.min_rows
        ]
        baseline: list[dict[str, SliceMetric]] = []
        table = []
        for variant, replicas in self.variants:
            columns = [read_predictions(self.files, name) for name in replicas]
            for index, (value, rows) in enumerate(slices):
                labels = is_click[rows]
                metrics = slice_metrics(labels, [column[rows] for column in columns])
                if len(baseline) < len(slices):
                    baseline.append(metrics)
                fields = _slice_fields(labels, metrics, baseline[index])
                table.append({"variant": variant, "key": self.key, "value": value, **fields})
        return pa.Table.from_pylist(table, schema=_SLICE_SCHEMA)


def _rows_by_place(places: np.ndarray, num_places: int) -> list[np.ndarray]:
    """Returns for each place the rows that are there, int64 `[num_rows_there]`, increasing."""
    # numpy sorts numbers of 16 bits several times faster.
    small = places.astype(np.int16) if num_places < 2**15 else places
    order = np.argsort(small, kind="stable")
    ends = np.searchsorted(small[order], np.arange(-1, num_places), side="right")
    return np.split(order, ends)[1:-1]


def _slice_fields(
    is_click: np.ndarray, own: dict[str, SliceMetric], baseline: dict[str, SliceMetric]
) -> dict[str, object]:
    fields: dict[str, object] = {
        "num_rows": len(is_click),
        "num_clicks": int(np.count_nonzero(is_click)),
    }
    for name, metric in own.items():
        fields[name] = metric.values
        fields[f"{name}_error"] = metric_error(name, is_click, metric)
        fields[f"{name}_difference_error"] = metric_error(name, is_click, metric, baseline[name])
    return fields


def _ranking(piece: RowsPiece | ResamplesPiece) -> Ranking:
    labels = read_labels(piece.files)
    return Ranking(labels, read_predictions(piece.files, piece.replica), piece.threshold)


def resample_ranges(config: EvaluatorConfig) -> list[tuple[int, int]]:
    """Returns first resample and number of resamples of the pieces of one replica."""
    total = config.num_resamples
    starts = range(0, total, RESAMPLES_PER_PIECE)
    return [(first, min(RESAMPLES_PER_PIECE, total - first)) for first in starts]

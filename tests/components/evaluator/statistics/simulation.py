"""Simulated click logs whose metrics are known, and files of their predictions."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from components.evaluator.metric_result import MetricResult
from components.evaluator.statistics.overall import Measured, overall_results
from components.evaluator.statistics.ranking import Ranking
from components.evaluator.statistics.work import resampled_metrics
from components.parquet import write_table
from schemas.click_log import LABEL, WEIGHT
from schemas.predictions import ROW_ID, SLICE_TYPE, slice_column

MEAN_LOGIT = -1.0
THRESHOLD = 0.5


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-logits))


def mean_weight(logits: np.ndarray) -> np.ndarray:
    """Returns the mean of `Log.draw_weights` (but for its least value)."""
    return 0.5 + 3.0 * sigmoid(logits)


class Log:
    """Rows with normal logits; labels are drawn from them."""

    def __init__(self, num_rows: int, random: np.random.Generator) -> None:
        self.logits = random.normal(MEAN_LOGIT, 1.0, num_rows)
        self.labels = random.random(num_rows) < sigmoid(self.logits)

    def draw_weights(self, random: np.random.Generator) -> np.ndarray:
        """Returns weights that vary, and are larger where a click is likely, float64."""
        return random.exponential(mean_weight(self.logits)) + 1e-3

    def predict(self, noise: float, random: np.random.Generator, offset: float = 0.0) -> np.ndarray:
        """Returns what a model predicts that sees the logits with normal noise, float32."""
        seen = self.logits + offset + random.normal(scale=noise, size=len(self.logits))
        return sigmoid(seen).astype(np.float32)


def true_metrics(noise: float, offset: float = 0.0, are_weighted: bool = False) -> dict[str, float]:
    """Returns the metrics that `Log.predict` has on infinitely many rows, by quadrature."""
    logits = np.linspace(MEAN_LOGIT - 8, MEAN_LOGIT + 8, 1601)
    seen = np.linspace(MEAN_LOGIT - 9, MEAN_LOGIT + 9, 1801)
    density = np.exp(-((logits - MEAN_LOGIT) ** 2) / 2)
    if are_weighted:
        density *= mean_weight(logits) + 1e-3
    kernel = np.exp(-((seen[:, np.newaxis] - logits) ** 2) / (2 * noise**2))
    rows = kernel @ density
    clicks = kernel @ (density * sigmoid(logits)) / rows.sum()
    rows = rows / rows.sum()
    others = rows - clicks
    predictions = sigmoid(seen + offset)
    rate = clicks.sum()
    logloss = -(clicks * np.log(predictions) + others * np.log1p(-predictions)).sum()
    below = np.cumsum(others) - others / 2
    return {
        "auc_roc": float((clicks * below).sum() / (rate * (1 - rate))),
        "logloss": float(logloss),
        "normalized_entropy": float(
            logloss / -(rate * np.log(rate) + (1 - rate) * np.log1p(-rate))
        ),
        "calibration": float((rows * predictions).sum() / rate),
        "brier_score": float((clicks * (1 - predictions) ** 2 + others * predictions**2).sum()),
    }


def compare(
    labels: np.ndarray,
    predictions: Mapping[str, Sequence[np.ndarray]],
    num_resamples: int,
    seed: int,
    weights: np.ndarray | None = None,
) -> dict[str, dict[str, MetricResult]]:
    """Returns variant -> metric -> result; the first variant is the baseline.

    Args:
      labels: bool `[num_rows]`.
      predictions: variant -> those of its replicas.
      num_resamples: of the bootstrap.
      seed: of the bootstrap.
      weights: of the rows; None are ones.
    """
    measured = {}
    for name, columns in predictions.items():
        rankings = [Ranking(labels, column, THRESHOLD, weights) for column in columns]
        tables = [resampled_metrics(ranking, seed, 0, num_resamples) for ranking in rankings]
        measured[name] = Measured(tables)
    return overall_results(measured, next(iter(predictions)), 0.95)


def write_predictions(
    folder: Path,
    labels: Sequence[int] | np.ndarray,
    columns: Mapping[str, Sequence[float] | np.ndarray],
    slices: Mapping[str, Sequence[str | None]] | None = None,
    num_files: int = 1,
    weights: np.ndarray | None = None,
) -> list[str]:
    """Writes files of predictions as the predicting step does; returns their paths in order."""
    folder.mkdir(parents=True)
    num_rows = len(labels)
    edges = np.linspace(0, num_rows, num_files + 1).astype(int)
    paths = []
    for number, (start, stop) in enumerate(pairwise(edges)):
        part = slice(start, stop)
        table = {
            ROW_ID: pa.array(np.arange(start, stop)),
            LABEL: pa.array(labels[part], pa.int64()),
        }
        if weights is not None:
            table[WEIGHT] = pa.array(weights[part], pa.float32())
        for key, values in (slices or {}).items():
            # Every file has a dictionary of its own.
            encoded = pa.array(values[part], pa.string()).dictionary_encode()
            table[slice_column(key)] = encoded.cast(SLICE_TYPE)
        for name, values in columns.items():
            table[name] = pa.array(values[part], pa.float32())
        paths.append(str(folder / f"part-{number:05d}.parquet"))
        write_table(pa.table(table), paths[-1])
    return paths

"""The parts of a sample comparison: metrics, slices, curves, latencies."""

import math

import numpy as np

from components.evaluator.comparison import LatencyResult
from components.evaluator.metric_result import CalibrationBin, Estimate, MetricResult, SliceResult
from components.training_record import EvalPoint, LossPoint

BANDS = ("head", "middle", "tail", "unseen", "missing")
CATEGORICAL = [f"C{number}" for number in range(1, 27)]
VALUES = {
    "auc_roc": 0.7975,
    "auc_pr": 0.5702,
    "logloss": 0.4519,
    "normalized_entropy": 0.7957,
    "calibration": 0.9606,
    "expected_calibration_error": 0.0112,
    "brier_score": 0.1468,
    "accuracy": 0.7894,
    "precision": 0.6511,
    "recall": 0.3712,
    "f1": 0.4728,
}
# How a metric moves when auc_roc moves by 1.
MOVES = {
    "auc_roc": 1.0,
    "auc_pr": 1.4,
    "logloss": -0.9,
    "normalized_entropy": -1.6,
    "calibration": 0.4,
    "expected_calibration_error": -0.3,
    "brier_score": -0.3,
    "accuracy": 0.4,
    "precision": 0.5,
    "recall": 0.9,
    "f1": 0.8,
}


def _estimate(value: float, error: float) -> Estimate:
    return Estimate(
        value=value, standard_error=error, low=value - 1.96 * error, high=value + 1.96 * error
    )


def metric_result(value: float, error: float, change: float | None, num_seeds: int) -> MetricResult:
    """Returns a metric; the paired error of the difference is a third of the metric's own."""
    seed_error = error / 10 if num_seeds > 1 else None
    if change is None:
        return MetricResult(
            estimate=_estimate(value, error), sampling_error=error, seed_error=seed_error
        )
    sampling = error / 3
    total = math.hypot(sampling, seed_error or 0.0)
    p_value = math.erfc(abs(change) / total / math.sqrt(2))
    return MetricResult(
        estimate=_estimate(value + change, error),
        difference=_estimate(change, total),
        p_value=p_value,
        adjusted_p_value=min(1.0, 9 * p_value),
        sampling_error=sampling,
        seed_error=seed_error,
    )


def latency_result(batch_size: int, size: int, random: np.random.Generator) -> LatencyResult:
    middle = 0.4 + 0.004 * batch_size + 5e-8 * size
    calls = np.sort(middle * random.lognormal(0.0, 0.12, 1000))
    return LatencyResult(
        batch_size=batch_size,
        num_calls=1000,
        p50_ms=float(np.quantile(calls, 0.5)),
        p99_ms=float(np.quantile(calls, 0.99)),
        p99_low_ms=float(calls[982]),
        p99_high_ms=float(calls[996]),
        examples_per_second=batch_size / float(np.quantile(calls, 0.5)) * 1000,
        quantiles_ms=tuple(np.quantile(calls, np.linspace(0, 1, 41)).tolist()),
    )


def slice_results(
    is_baseline: bool, auc: float, num_seeds: int, random: np.random.Generator
) -> list[SliceResult]:
    """Returns the slices: rare ids pay most, and a slice of fewer rows is less certain."""
    parts: list[tuple[str, str, int, float]] = []
    for feature in CATEGORICAL:
        for band, share, factor in zip(
            BANDS, (0.62, 0.2, 0.11, 0.03, 0.04), (0.4, 1.5, 4.0, 1.0, 0.3), strict=True
        ):
            parts.append((f"frequency of {feature}", band, round(100_000 * share), factor))
    parts += [("missing fields", str(number), 30_000 // (number + 1), 1.0) for number in range(6)]
    parts += [("time", f"part {number} of 4", 25_000, 1.0) for number in range(1, 5)]
    parts += [("span", "2026-01-15", 40_000, 1.0), ("span", "2026-01-16", 60_000, 1.1)]
    # Some are too small to be reported.
    parts = [
        part
        for part in parts
        if part[:2] not in {("frequency of C1", "unseen"), ("frequency of C2", "missing")}
    ]
    slices = []
    for key, value, num_rows, factor in parts:
        error = 0.0017 * math.sqrt(100_000 / num_rows)
        change = None if is_baseline else auc * factor + float(random.normal(0, error / 6))
        metrics = {
            name: metric_result(
                VALUES[name], error, None if change is None else change * MOVES[name], num_seeds
            )
            for name in ("auc_roc", "logloss", "normalized_entropy", "calibration")
        }
        slices.append(
            SliceResult(
                key=key,
                value=value,
                num_rows=num_rows,
                num_clicks=num_rows // 4,
                metrics=metrics,
            )
        )
    return slices


def calibration_bins(auc: float, random: np.random.Generator) -> list[CalibrationBin]:
    bins = []
    for number in range(20):
        mean = 0.02 + 0.0022 * number**2
        rate = min(0.98, mean * (1.04 - auc) + float(random.normal(0, 0.004)))
        error = 1.96 * math.sqrt(max(rate * (1 - rate), 1e-6) / 5000)
        bins.append(
            CalibrationBin(
                num_rows=5000,
                mean_prediction=mean,
                click_rate=rate,
                low=rate - error,
                high=rate + error,
            )
        )
    return bins


def loss_curve(auc: float, random: np.random.Generator) -> list[LossPoint]:
    return [
        LossPoint(
            step=number * 16,
            examples=number * 2048,
            loss=0.45 - auc + 0.12 * math.exp(-number / 25) + float(random.normal(0, 0.012)),
        )
        for number in range(1, 196)
    ]


def eval_curve(auc: float) -> list[EvalPoint]:
    """Returns ten evaluations while training."""
    return [
        EvalPoint(
            step=number * 300,
            examples=number * 40_000,
            train_seconds=number * 1.3,
            logloss=0.4519 - auc + 0.05 * math.exp(-number / 2),
        )
        for number in range(1, 11)
    ]


def table_bytes(size: int, method: str) -> dict[str, int]:
    if method.startswith("unified"):
        return {"all features": size}
    shares = np.arange(26) ** 2 + 1
    return {
        name: int(size * share / shares.sum())
        for name, share in zip(CATEGORICAL, shares, strict=True)
    }

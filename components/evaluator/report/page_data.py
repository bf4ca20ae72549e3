"""The numbers behind the page's plots, as the page's script reads them."""

import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from components.evaluator.comparison import Comparison, LatencyResult, VariantResult
from components.evaluator.measures import METRICS
from components.evaluator.metric_result import Estimate
from components.evaluator.numbers import range_text
from components.evaluator.report.columns import columns
from components.evaluator.report.findings import cost_measure, has_front_line, max_auc_loss

BANDS = ("head", "middle", "tail", "unseen", "missing")
SLICE_METRICS = ("auc_roc", "logloss", "normalized_entropy", "calibration")
_FREQUENCY = "frequency of "
_NUM_DIGITS = 5
_MAX_TABLES = 7  # with a color of their own
_OTHER_TABLES = "other tables"


def page_data(comparison: Comparison) -> dict[str, Any]:
    """Returns what the plots show; numbers are rounded to 5 digits to keep the page small."""
    cost = cost_measure(comparison)
    slices = _slice_keys(comparison)
    tables = _tables(comparison)
    baseline = comparison.variant(comparison.baseline).measure("auc_roc")
    best = comparison.best_auc_roc
    return {
        "baseline": comparison.baseline,
        "chosen": comparison.chosen,
        "confidence": comparison.confidence,
        "cost": {"title": cost.title, "unit": cost.unit, "better": cost.better},
        "has_front_line": has_front_line(comparison),
        "max_auc_loss": max_auc_loss(comparison),
        "best_auc_gain": None if best is None or baseline is None else best - baseline,
        "target_logloss": comparison.target_logloss,
        "click_rate": comparison.data.click_rate,
        "slices": [[*_slice_name(key, value), size] for (key, value), size in slices.items()],
        "bands": [band for band in BANDS if any(key[1] == band for key in slices)],
        "slice_metrics": {
            name: {"title": METRICS[name].title, "better": METRICS[name].better}
            for name in SLICE_METRICS
        },
        "tables": tables,
        "variants": [
            _variant(comparison, result, slices, tables) for result in comparison.variants
        ],
    }


def script_json(data: dict[str, Any]) -> str:
    """Returns JSON that may stand inside of a script element.

    No name in it can end the element or open a comment: `<`, `>` and `&` are written as escapes.
    """
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return re.sub("[<>&]", lambda found: f"\\u{ord(found[0]):04x}", text)


def _variant(
    comparison: Comparison,
    result: VariantResult,
    slices: dict[tuple[str, str], int],
    tables: list[str],
) -> dict[str, Any]:
    auc_roc = result.metrics.get("auc_roc")
    cost = result.measure(cost_measure(comparison).name)
    return {
        "name": result.name,
        "is_on_front": result.is_on_front,
        "cost": cost,
        "difference": _ends(auc_roc.difference) if auc_roc else None,
        "diverged": result.diverged,
        "details": [
            f"{column.head}: {column.cell(result).text}".replace(": -", ": −")
            for column in columns(comparison)
            if not column.is_extra
        ],
        "loss": _loss_curve(result),
        "evals": {
            "examples": [point.examples for point in result.eval_curve],
            "seconds": _rounded([point.train_seconds for point in result.eval_curve]),
            "logloss": _rounded([point.logloss for point in result.eval_curve]),
        },
        "calibration": [
            _rounded([part.mean_prediction, part.click_rate, part.low, part.high, part.num_rows])
            for part in result.calibration_bins
        ],
        "latency": {str(latency.batch_size): _latency(latency) for latency in result.latency},
        "table_bytes": _table_bytes(result, tables),
        "slices": _slice_values(result, slices),
    }


def _latency(latency: LatencyResult) -> dict[str, Any]:
    """Returns the quantiles and how far the interval of the 99th percentile reaches (ms)."""
    low, high = latency.p99_low_ms, latency.p99_high_ms
    interval = range_text(low, high, "ms")
    quantiles = _rounded(latency.quantiles_ms)
    # An end that is not known reaches as far as the calls do.
    less = latency.p99_ms - (latency.quantiles_ms[0] if low is None else low)
    more = (latency.quantiles_ms[-1] if high is None else high) - latency.p99_ms
    return {
        "quantiles": quantiles,
        "p99": _rounded([latency.p99_ms])[0],
        "interval": f" ({interval})" if interval else "",
        "less": _rounded([less])[0],
        "more": _rounded([more])[0],
        "calls": latency.num_calls,
    }


def _ends(estimate: Estimate | None) -> list[float] | None:
    return None if estimate is None else _rounded([estimate.value, estimate.low, estimate.high])


def _rounded(values: Sequence[float]) -> list[float]:
    """Returns the numbers with 5 digits; whole ones without a point."""
    rounded = [float(f"{value:.{_NUM_DIGITS}g}") for value in values]
    return [int(value) if value == int(value) else value for value in rounded]


def _loss_curve(result: VariantResult) -> dict[str, list[float]]:
    """Returns the training loss, averaged over a tenth of the curve around each point."""
    points = result.loss_curve
    if not points:
        return {"examples": [], "logloss": []}
    half = len(points) // 20
    sums = np.cumsum([0.0, *(point.loss for point in points)])
    ends = np.arange(len(points))
    low, high = np.maximum(ends - half, 0), np.minimum(ends + half + 1, len(points))
    means = (sums[high] - sums[low]) / (high - low)
    return {
        "examples": [point.examples for point in points],
        "logloss": _rounded(means.tolist()),
    }


def _slice_keys(comparison: Comparison) -> dict[tuple[str, str], int]:
    """Returns the key and value of each slice, and its rows, in the order of the comparison."""
    return {
        (part.key, part.value): part.num_rows
        for result in comparison.variants
        for part in result.slices
    }


def _slice_name(key: str, value: str) -> tuple[str | None, str, str]:
    """Returns the feature (None where it is not about the frequency of its ids), key and value."""
    if key.startswith(_FREQUENCY) and value in BANDS:
        return key.removeprefix(_FREQUENCY), key, value
    return None, key, value


def _slice_values(
    result: VariantResult, slices: dict[tuple[str, str], int]
) -> dict[str, list[list[float] | None]]:
    """Returns metric -> for each slice the difference, its interval and the value itself."""
    parts = {(part.key, part.value): part for part in result.slices}
    values: dict[str, list[list[float] | None]] = {}
    for metric in SLICE_METRICS:
        row: list[list[float] | None] = []
        for key in slices:
            found = parts[key].metrics.get(metric) if key in parts else None
            ends = _ends(found.difference) if found else None
            row.append([*ends, *_rounded([found.estimate.value])] if found and ends else None)
        if any(row):
            values[metric] = row
    return values


def _tables(comparison: Comparison) -> list[str]:
    """Returns the largest table of each variant, other large ones, and one name for the rest."""
    largest: dict[str, int] = {}
    firsts: set[str] = set()
    for result in comparison.variants:
        sizes = result.table_bytes
        if sizes:
            firsts.add(max(sizes, key=sizes.__getitem__))
        for table, size in sizes.items():
            largest[table] = max(size, largest.get(table, 0))
    names = sorted(largest, key=lambda table: -largest[table])
    if len(names) <= _MAX_TABLES + 1:
        return names
    kept = sorted(names, key=lambda table: table not in firsts)[:_MAX_TABLES]
    return [*sorted(kept, key=lambda table: -largest[table]), _OTHER_TABLES]


def _table_bytes(result: VariantResult, tables: list[str]) -> list[int]:
    sizes = [result.table_bytes.get(table, 0) for table in tables]
    if sizes and tables[-1] == _OTHER_TABLES:
        sizes[-1] = sum(result.table_bytes.values()) - sum(sizes[:-1])
    return sizes

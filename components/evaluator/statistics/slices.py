"""The metrics on the slices, from the tables that were measured of them."""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from components.evaluator.metric_result import MetricResult, SliceResult
from components.evaluator.statistics.slice_metrics import SLICE_METRICS
from components.evaluator.statistics.uncertainty import Noisy, baseline_result, compared_results


def slice_results(
    tables: Iterable[pa.Table], baseline: str, confidence: float
) -> dict[str, tuple[SliceResult, ...]]:
    """Returns variant -> its slices, in the order of the tables; empty without a slice.

    A metric is left out where it is not defined. The p-values of a metric are adjusted for all
    variants and slices together: with some hundred comparisons a few differ by chance.

    Args:
      tables: of each key, as `SlicesPiece` measures it.
      baseline: one of the variants.
      confidence: of the intervals.
    """
    rows: dict[str, list[dict[str, Any]]] = {}
    for table in tables:
        for row in table.to_pylist():
            rows.setdefault(row["variant"], []).append(row)
    found: dict[str, list[dict[str, MetricResult]]] = {
        name: [{} for _ in slices] for name, slices in rows.items()
    }
    for metric in SLICE_METRICS:
        places, family = [], []
        for name, slices in rows.items():
            for index, (own, other) in enumerate(zip(slices, rows[baseline], strict=True)):
                if own[metric] is None:
                    continue
                value = Noisy.of_replicas(own[metric], own[f"{metric}_error"])
                if name == baseline:
                    found[name][index][metric] = baseline_result(value, confidence)
                    continue
                difference = Noisy.of_replicas(
                    [a - b for a, b in zip(own[metric], other[metric], strict=True)],
                    own[f"{metric}_difference_error"],
                )
                places.append((name, index))
                family.append((value, difference))
        results = compared_results(family, confidence)
        for (name, index), result in zip(places, results, strict=True):
            found[name][index][metric] = result
    return {
        name: tuple(_slice(row, metrics) for row, metrics in zip(rows[name], each, strict=True))
        for name, each in found.items()
    }


def _slice(row: Mapping[str, Any], metrics: dict[str, MetricResult]) -> SliceResult:
    return SliceResult(
        key=row["key"],
        value=row["value"],
        num_rows=row["num_rows"],
        num_clicks=row["num_clicks"],
        metrics=metrics,
    )

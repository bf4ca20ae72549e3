"""A comparison as a run of the pipeline gives it, for the tests of the report."""

import numpy as np

from components.evaluator.comparison import (
    Comparison,
    ConstraintResult,
    DataFacts,
    LatencyResult,
    Lineage,
    VariantResult,
)
from components.evaluator.keys import model_key
from components.evaluator.metric_result import MetricResult
from schemas.spans import SpanCounts
from tests.components.evaluator.report.sample_parts import (
    CATEGORICAL,
    MOVES,
    VALUES,
    calibration_bins,
    eval_curve,
    latency_result,
    loss_curve,
    metric_result,
    slice_results,
    table_bytes,
)

MAX_AUC_LOSS = 0.005
BATCH_SIZES = (1, 128, 2048)
SPANS = (
    SpanCounts(
        name="2026-01-15",
        first_file=0,
        num_rows={"train": 400_000, "eval": 40_000},
        num_clicks={"train": 102_000, "eval": 10_418},
    ),
    SpanCounts(
        name="2026-01-16",
        first_file=2,
        num_rows={"train": 0, "eval": 60_000},
        num_clicks={"train": 0, "eval": 15_100},
    ),
)
# name, method, served bytes, auc_roc above the baseline
_VARIANTS = (
    ("full", "full", 1_839_488, 0.0),
    ("frequency_threshold", "frequency_threshold", 1_204_992, -0.0004),
    ("int8", "int8", 521_210, -0.0001),
    ("quotient_remainder", "quotient_remainder", 483_520, 0.0006),
    ("hashing", "hashing", 482_560, -0.0087),
    ("double_hashing", "double_hashing", 481_920, -0.0043),
    ("mixed_dimensions", "mixed_dimensions", 402_112, -0.0016),
    ("int4", "int4", 291_840, -0.0007),
    ("unified_int4", "unified + int4", 183_948, -0.0009),
    ("tensor_train", "tensor_train", 96_256, -0.0132),
)


def sample_comparison(
    num_variants: int = 10, num_seeds: int = 1, chosen: str | None = "unified_int4"
) -> Comparison:
    """Returns a comparison of that many variants; the same arguments give the same numbers.

    Args:
      num_variants: of 1 or more; the chosen one must be among the first so many of the sample.
      num_seeds: replicas of each variant.
      chosen: the variant to ship; None if none keeps the constraints.
    """
    random = np.random.default_rng(7)
    rows = [*_VARIANTS[:num_variants]]
    for number in range(len(rows), num_variants):
        size = round(1_500_000 * 0.82 ** (number - 9))
        rows.append((f"hashing_{number}", "hashing", size, -0.0011 * (number - 9)))
    names = [row[0] for row in rows]
    front = _front(rows)
    return Comparison(
        baseline="full",
        chosen=chosen,
        reason=_reason(rows, chosen),
        objective="embedding_bytes",
        confidence=0.95,
        num_resamples=1000,
        threshold=0.5,
        target_logloss=0.46,
        data=DataFacts(
            num_train_rows=400_000,
            num_eval_rows=100_000,
            num_eval_clicks=25_518,
            vocabulary_sizes={name: 3 + 37 * number**2 for number, name in enumerate(CATEGORICAL)},
            num_dense_features=13,
            spans=SPANS,
            fingerprint="split:train,num_files:5,sum_checksum:8816309",
        ),
        lineage=Lineage(
            run_id="20260117T101500",
            artifact_ids={
                "examples": (1,),
                **{model_key(name, 0): (number,) for number, name in enumerate(names, 7)},
            },
            environment={"cpu": "Xeon", "num_cores": "2", "python": "3.10.14"},
        ),
        config={"baseline": "full", "max_auc_loss": MAX_AUC_LOSS, "objective": "embedding_bytes"},
        best_auc_roc=0.8077,
        best_logloss=0.4415,
        variants=tuple(_variant(row, num_seeds, chosen, front, random) for row in rows),
    )


def with_embedding_bytes(comparison: Comparison, size: float | None) -> Comparison:
    """Returns it with other embedding_bytes of the chosen variant; None leaves them out."""
    variants = []
    for result in comparison.variants:
        if result.is_blessed:
            costs = {**result.costs, "embedding_bytes": size}
            costs = {name: cost for name, cost in costs.items() if cost is not None}
            result = result.model_copy(update={"costs": costs})
        variants.append(result)
    return comparison.model_copy(update={"variants": tuple(variants)})


def _reason(rows: list[tuple], chosen: str | None) -> str:
    if chosen is None:
        return (
            "Ship nothing: no variant keeps all constraints. Nearest is quotient_remainder: with "
            "95 % confidence it may lose 0.0003 auc_roc, limit 0.0001."
        )
    size, auc = {row[0]: row[2:] for row in rows}[chosen]
    return (
        f"Ship {chosen}: {rows[0][2] / size:.1f}x smaller embeddings, auc_roc {abs(auc):.4f} "
        f"{'below' if auc < 0 else 'above'} full (with 95 % confidence at most 0.0018; limit "
        "0.005)."
    )


def _front(rows: list[tuple]) -> set[str]:
    return {
        row[0]
        for row in rows
        if not any(
            other[2] <= row[2] and other[3] >= row[3] and other[2:] != row[2:] for other in rows
        )
    }


def _variant(
    row: tuple, num_seeds: int, chosen: str | None, front: set[str], random: np.random.Generator
) -> VariantResult:
    name, method, size, auc = row
    is_baseline = name == "full"
    metrics = {
        metric: metric_result(
            value, 0.0017, None if is_baseline else auc * MOVES[metric], num_seeds
        )
        for metric, value in VALUES.items()
    }
    latency = tuple(latency_result(batch, size, random) for batch in BATCH_SIZES)
    constraints = _constraints(metrics["auc_roc"], size, chosen)
    return VariantResult(
        name=name,
        seeds=tuple(range(num_seeds)),
        metrics=metrics,
        costs=_costs(size, latency, random),
        latency=latency,
        slices=tuple(slice_results(is_baseline, auc, num_seeds, random)),
        calibration_bins=tuple(calibration_bins(auc, random)),
        loss_curve=tuple(loss_curve(auc, random)),
        eval_curve=tuple(eval_curve(auc)),
        table_bytes=table_bytes(size, method),
        constraints=constraints,
        is_on_front=name in front,
        is_blessed=name == chosen,
        verdict=_verdict(name, chosen, constraints),
        config={
            "variant": name,
            "embedding": {"method": method, "options": {} if is_baseline else {"ratio": 4.0}},
            "embedding_dim": 16,
            "bottom_mlp": [64, 32],
            "dense_optimizer": {"name": "adagrad", "learning_rate": 0.02},
            "seed": 0,
        },
    )


def _constraints(
    auc_roc: MetricResult, size: int, chosen: str | None
) -> tuple[ConstraintResult, ...]:
    """Returns the verdict on auc_roc; without a chosen variant the limits are tighter."""
    limit = MAX_AUC_LOSS if chosen else MAX_AUC_LOSS / 50
    loss = worst = 0.0
    if auc_roc.difference:
        loss = -auc_roc.difference.value
        worst = loss + 1.645 * auc_roc.difference.standard_error  # one-sided
    quality = ConstraintResult(
        name="max_auc_loss",
        limit=limit,
        value=loss,
        worst=worst,
        is_met=worst <= limit,
        more_rows=240_000 if loss <= limit < worst else None,
    )
    if chosen:
        return (quality,)
    serving, most = size + 1_180_000, 1_300_000
    return (
        quality,
        ConstraintResult(
            name="max_serving_bytes",
            limit=most,
            value=serving,
            worst=serving,
            is_met=serving <= most,
        ),
    )


def _verdict(name: str, chosen: str | None, constraints: tuple[ConstraintResult, ...]) -> str:
    if name == chosen:
        return "Chosen: the smallest embeddings of those that keep all constraints."
    if all(constraint.is_met for constraint in constraints):
        return "Not chosen: it keeps all constraints, but its embeddings are larger."
    failed = [constraint.name for constraint in constraints if not constraint.is_met]
    return f"Not chosen: it does not keep {' and '.join(failed)}."


def _costs(
    size: int, latency: tuple[LatencyResult, ...], random: np.random.Generator
) -> dict[str, float]:
    costs: dict[str, float] = {
        "embedding_bytes": size,
        "serving_bytes": size + 1_180_000,
        "training_bytes": 2 * size + 40_000,
        "num_parameters": size // 4 + 115_000,
        "train_seconds": round(13 + random.random(), 2),
        "train_examples_per_second": round(33_000 - 4000 * random.random(), 1),
        "seconds_to_target": round(6 + random.random(), 2),
    }
    for result in latency:
        costs[f"latency_p50_batch{result.batch_size}"] = result.p50_ms
        costs[f"latency_p99_batch{result.batch_size}"] = result.p99_ms
        costs[f"examples_per_second_batch{result.batch_size}"] = result.examples_per_second
    return costs

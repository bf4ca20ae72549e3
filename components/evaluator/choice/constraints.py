"""Whether the variants keep the constraints, and how many more eval rows would tell."""

import math
from collections.abc import Mapping, Sequence

from scipy import stats

from components.evaluator.comparison import (
    ConstraintResult,
    Estimate,
    MetricResult,
    VariantResult,
)
from components.evaluator.config import EvaluatorConfig, Limit

MAX_AUC_LOSS = "max_auc_loss"
AUC_ROC = "auc_roc"
# A loss of exactly the limit is allowed; a float difference may be off by an ulp or two.
_ROUNDING = 1e-12


def check_constraints(
    variants: Sequence[VariantResult], config: EvaluatorConfig, num_eval_rows: int
) -> dict[str, tuple[ConstraintResult, ...]]:
    """Holds every variant against every constraint.

    The loss of auc_roc is tested one-sided: a variant keeps `max_auc_loss` if a loss above it is
    refuted at `confidence` (a test of non-inferiority). Holm's step-down procedure (Holm 1979)
    corrects for the number of variants: the chance that any variant is taken for good enough that
    is not is at most 1 - `confidence`.

    Args:
      variants: all that are compared; a diverged one keeps no constraint on a metric.
      config: the constraints.
      num_eval_rows: rows of the eval split.

    Returns:
      variant -> its results: `max_auc_loss` first, then `config.constraints` in their order.
    """
    losses = {v.name: v.metrics[AUC_ROC] for v in variants if not v.diverged}
    of_loss = _check_losses(losses, config, num_eval_rows)
    unknown = ConstraintResult(
        name=MAX_AUC_LOSS, limit=config.max_auc_loss, value=None, worst=None, is_met=False
    )
    return {
        variant.name: (
            of_loss.get(variant.name, unknown),
            *(_check_limit(variant, limit) for limit in config.limits()),
        )
        for variant in variants
    }


def _check_losses(
    metrics: Mapping[str, MetricResult], config: EvaluatorConfig, num_eval_rows: int
) -> dict[str, ConstraintResult]:
    """Holm's procedure over the one-sided tests, from the smallest p-value on."""
    limit = config.max_auc_loss
    differences = {name: m.difference for name, m in metrics.items() if m.difference is not None}
    p_values = {name: _p_value(each, -limit) for name, each in differences.items()}
    order = sorted(p_values, key=p_values.__getitem__)
    results = {
        name: ConstraintResult(name=MAX_AUC_LOSS, limit=limit, value=0.0, worst=0.0, is_met=True)
        for name in metrics
        if name not in differences  # the baseline
    }
    all_met = True
    level = (1.0 - config.confidence) / max(1, len(order))
    for rank, name in enumerate(order):
        if all_met:
            level = (1.0 - config.confidence) / (len(order) - rank)
            all_met = p_values[name] <= level
        difference = differences[name]
        quantile = _quantile(difference, 1.0 - level)
        loss = 0.0 - difference.value
        results[name] = ConstraintResult(
            name=MAX_AUC_LOSS,
            limit=limit,
            value=loss,
            worst=loss + quantile * difference.standard_error,
            is_met=all_met,
            more_rows=_more_rows(metrics[name], limit - loss, quantile, num_eval_rows),
        )
    return results


def _p_value(difference: Estimate, bound: float) -> float:
    """Of the hypothesis that the true difference is below `bound`."""
    distance = difference.value - bound
    if difference.standard_error == 0.0:
        return float(distance < -_ROUNDING)
    return float(_distribution(difference).sf(distance / difference.standard_error))


def _quantile(difference: Estimate, probability: float) -> float:
    return float(_distribution(difference).ppf(probability))


def _distribution(estimate: Estimate) -> stats.rv_continuous:
    if estimate.degrees_of_freedom is None:
        return stats.norm()
    return stats.t(estimate.degrees_of_freedom)


def _more_rows(
    metric: MetricResult, distance: float, quantile: float, num_eval_rows: int
) -> int | None:
    """Eval rows that are missing until the interval's end comes to lie on the limit.

    The sampling error falls with the square root of the rows, the seeds' error does not.

    Args:
      metric: its errors.
      distance: from the estimate to the limit; negative on the wrong side of it.
      quantile: standard errors that the interval's end is away from the estimate.
      num_eval_rows: rows so far.

    Returns:
      None if it is decided already, or rows alone will not decide it.
    """
    seed_error = metric.seed_error or 0.0
    if abs(distance) >= quantile * math.hypot(metric.sampling_error, seed_error):
        return None
    allowed_variance = (distance / quantile) ** 2 - seed_error**2
    if allowed_variance <= 0.0:
        return None
    needed = num_eval_rows * metric.sampling_error**2 / allowed_variance
    return max(1, math.ceil(needed - num_eval_rows))


def _check_limit(variant: VariantResult, limit: Limit) -> ConstraintResult:
    value = variant.measure(limit.measure)
    worst = value
    if limit.measure in variant.metrics:
        estimate = variant.metrics[limit.measure].estimate
        worst = estimate.high if limit.is_upper else estimate.low
    is_met = worst is not None and (
        worst <= limit.value if limit.is_upper else worst >= limit.value
    )
    return ConstraintResult(
        name=limit.name, limit=limit.value, value=value, worst=worst, is_met=is_met
    )

"""Whether the variants keep the constraints, and how many more eval rows would tell."""

import math
from collections.abc import Mapping, Sequence

from components.evaluator.comparison import ConstraintResult, VariantResult
from components.evaluator.config import EvaluatorConfig, Limit
from components.evaluator.statistics.uncertainty import Noisy

MAX_AUC_LOSS = "max_auc_loss"
AUC_ROC = "auc_roc"
# A loss of exactly the limit is allowed; a float difference may be off by an ulp or two.
_ROUNDING = 1e-12
_MOST_ROWS = 1000.0


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
    differences = {v.name: _difference(v) for v in variants if not v.diverged}
    of_loss = _check_losses(differences, config, num_eval_rows)
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


def _difference(variant: VariantResult) -> Noisy | None:
    """Returns the difference of auc_roc to the baseline; None for the baseline."""
    metric = variant.metrics[AUC_ROC]
    if metric.difference is None:
        return None
    return Noisy(
        value=metric.difference.value,
        sampling_error=metric.sampling_error,
        seed_error=metric.seed_error,
        num_replicas=len(variant.seeds),
    )


def _check_losses(
    differences: Mapping[str, Noisy | None], config: EvaluatorConfig, num_eval_rows: int
) -> dict[str, ConstraintResult]:
    """Holm's procedure over the one-sided tests, from the smallest p-value on."""
    limit = config.max_auc_loss
    compared = {name: each for name, each in differences.items() if each is not None}
    p_values = {name: _p_value(each, -limit) for name, each in compared.items()}
    order = sorted(p_values, key=p_values.__getitem__)
    results = {
        name: ConstraintResult(name=MAX_AUC_LOSS, limit=limit, value=0.0, worst=0.0, is_met=True)
        for name in differences
        if name not in compared  # the baseline
    }
    all_met = True
    level = (1.0 - config.confidence) / max(1, len(order))
    for rank, name in enumerate(order):
        if all_met:
            level = (1.0 - config.confidence) / (len(order) - rank)
            all_met = p_values[name] <= level
        difference = compared[name]
        loss = 0.0 - difference.value
        results[name] = ConstraintResult(
            name=MAX_AUC_LOSS,
            limit=limit,
            value=loss,
            worst=loss + difference.half_width(1.0 - 2.0 * level),
            is_met=all_met,
            more_rows=_more_rows(difference, limit - loss, level, num_eval_rows),
        )
    return results


def _p_value(difference: Noisy, bound: float) -> float:
    """Of the hypothesis that the true difference is below `bound`, one-sided."""
    distance = difference.value - bound
    if difference.standard_error == 0.0:
        return float(distance < -_ROUNDING)
    two_sided = difference._replace(value=distance).p_value()
    return two_sided / 2.0 if distance > 0.0 else 1.0 - two_sided / 2.0


def _more_rows(difference: Noisy, distance: float, level: float, num_eval_rows: int) -> int | None:
    """Eval rows that are missing until the interval's end comes to lie on the limit.

    The sampling error falls with the square root of the rows, the seeds' error does not.

    Args:
      difference: its errors.
      distance: from the loss to the limit; negative on the wrong side of it.
      level: of the one-sided test.
      num_eval_rows: rows so far.

    Returns:
      None if it is decided already, rows alone will not decide it, or it would take more than a
      thousand times the rows: then the loss is as good as the limit.
    """
    confidence = 1.0 - 2.0 * level
    if abs(distance) >= difference.half_width(confidence):
        return None
    by_seeds = difference._replace(sampling_error=0.0).half_width(confidence)
    by_rows = difference._replace(seed_error=None).half_width(confidence)
    allowed = distance**2 - by_seeds**2
    if allowed <= 0.0:
        return None
    factor = by_rows**2 / allowed
    return max(1, math.ceil(num_eval_rows * (factor - 1.0))) if factor < _MOST_ROWS else None


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

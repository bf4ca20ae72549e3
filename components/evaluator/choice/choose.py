"""The choice of the variant to ship."""

import math
from collections.abc import Sequence

from components.errors import InputError
from components.evaluator.choice.constraints import AUC_ROC, check_constraints
from components.evaluator.choice.words import choice_reason, verdict
from components.evaluator.comparison import VariantResult
from components.evaluator.config import EvaluatorConfig
from components.evaluator.measures import find_measure


def choose(
    variants: Sequence[VariantResult], config: EvaluatorConfig, num_eval_rows: int
) -> tuple[tuple[VariantResult, ...], str]:
    """Chooses the best variant by the objective among those that keep all constraints.

    Of equally good variants the one with the higher auc_roc wins, then the first in name order.

    Args:
      variants: measured, with differences to the baseline.
      config: the objective and the constraints.
      num_eval_rows: rows of the eval split.

    Returns:
      the variants in their order, with `constraints`, `is_on_front`, `is_blessed` and `verdict`
      filled in; and one sentence that says which to ship and why. None is blessed if none
      qualifies.

    Raises:
      InputError: if the baseline is missing or diverged: nothing can be compared then.
    """
    _check_baseline(variants, config.baseline)
    constraints = check_constraints(variants, config, num_eval_rows)
    checked = [v.model_copy(update={"constraints": constraints[v.name]}) for v in variants]
    qualified = [v for v in checked if not v.diverged and all(c.is_met for c in v.constraints)]
    # What lacks the objective, as a training that never came to its target, cannot be the best.
    qualified = [v for v in qualified if v.measure(config.objective) is not None]
    order = sorted(qualified, key=lambda v: (_cost(v, config.objective), -_auc_roc(v), v.name))
    chosen = order[0] if order else None
    front = _front(checked, config.objective)
    results = tuple(
        variant.model_copy(
            update={
                "is_on_front": variant.name in front,
                "is_blessed": variant is chosen,
                "verdict": verdict(variant, chosen, config),
            }
        )
        for variant in checked
    )
    return results, choice_reason(results, config)


def _check_baseline(variants: Sequence[VariantResult], baseline: str) -> None:
    found = [variant for variant in variants if variant.name == baseline]
    if not found:
        names = ", ".join(variant.name for variant in variants)
        raise InputError(f"the baseline {baseline!r} is not among the compared variants: {names}")
    if found[0].diverged:
        raise InputError(
            f"the baseline {baseline!r} diverged: its predictions are not all numbers, so no "
            "variant can be compared with it; train it with a lower learning rate"
        )


def _cost(variant: VariantResult, objective: str) -> float:
    """Returns the objective, such that less is better."""
    measure, value = find_measure(objective), variant.measure(objective)
    assert measure is not None, "the configuration was checked"
    if value is None:
        return math.inf
    return value if measure.better == "lower" else -value


def _auc_roc(variant: VariantResult) -> float:
    return variant.metrics[AUC_ROC].estimate.value


def _front(variants: Sequence[VariantResult], objective: str) -> set[str]:
    """Returns the variants that no other one equals in objective and auc_roc and beats in one."""
    points = {
        variant.name: (_cost(variant, objective), -_auc_roc(variant))
        for variant in variants
        if not variant.diverged and variant.measure(objective) is not None
    }
    return {
        name
        for name, point in points.items()
        if not any(
            other != point and other[0] <= point[0] and other[1] <= point[1]
            for other in points.values()
        )
    }

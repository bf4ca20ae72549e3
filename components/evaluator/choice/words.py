"""What the choice says: one sentence for the comparison, one for each variant."""

from collections.abc import Sequence

from components.evaluator.choice.constraints import AUC_ROC, MAX_AUC_LOSS
from components.evaluator.comparison import ConstraintResult, VariantResult
from components.evaluator.config import EvaluatorConfig
from components.evaluator.measures import Measure, find_measure
from components.evaluator.numbers import measured_text, percent, rows_text, size_change

# Smaller differences of auc_roc are 0 as they are written.
_SHOWN = 0.00005


def choice_reason(variants: Sequence[VariantResult], config: EvaluatorConfig) -> str:
    """Returns the sentence that says which variant to ship and why, or why none."""
    baseline = next(v for v in variants if v.name == config.baseline)
    chosen = next((v for v in variants if v.is_blessed), None)
    if chosen is None:
        return _nothing(variants, config)
    gain = _gain(chosen, baseline, _measure(config.objective))
    if chosen.name != baseline.name:
        return f"Ship {chosen.name}: {gain}, {_loss(chosen, baseline, config)}."
    others = [v for v in variants if v.name != baseline.name and _is_better(v, baseline, config)]
    if not others:
        title = _measure(config.objective).title
        return f"Ship {baseline.name}, the baseline: no compared variant is better in {title}."
    missing_rows = [rows for rows in map(_missing_rows, others) if rows]
    more = ""
    if missing_rows:
        more = f"; about {rows_text(min(missing_rows))} more eval rows could change that"
    return (
        f"Ship {baseline.name}, the baseline: no variant that is better in "
        f"{_measure(config.objective).title} keeps all constraints{more}."
    )


def verdict(variant: VariantResult, chosen: VariantResult | None, config: EvaluatorConfig) -> str:
    """Returns the sentence that says why a variant is chosen, or why not."""
    if variant.diverged:
        return "Diverged: its predictions are not all numbers."
    failed = [constraint for constraint in variant.constraints if not constraint.is_met]
    if failed:
        return " ".join(_failure(constraint, config.confidence) for constraint in failed)
    measure = _measure(config.objective)
    if chosen is None or variant.measure(measure.name) is None:
        return f"Keeps all constraints, but its {measure.title} was not measured."
    if variant is chosen:
        return f"Best in {measure.title} of those that keep all constraints."
    return (
        f"Keeps all constraints; {chosen.name} is as good or better in {measure.title}: "
        f"{_quantity(chosen, measure)} against {_quantity(variant, measure)}."
    )


def _quantity(variant: VariantResult, measure: Measure) -> str:
    """Returns what a variant has of a measure, for a sentence."""
    value = variant.measure(measure.name)
    return "not measured" if value is None else measured_text(measure, value)


def _measure(name: str) -> Measure:
    measure = find_measure(name)
    assert measure is not None, "the configuration was checked"
    return measure


def _is_better(variant: VariantResult, baseline: VariantResult, config: EvaluatorConfig) -> bool:
    value, reference = variant.measure(config.objective), baseline.measure(config.objective)
    if value is None or reference is None:
        return value is not None
    lower = _measure(config.objective).better == "lower"
    return value < reference if lower else value > reference


def _gain(chosen: VariantResult, baseline: VariantResult, measure: Measure) -> str:
    if measure.name == "embedding_bytes":
        value, reference = chosen.measure(measure.name), baseline.measure(measure.name)
        change = size_change(value, reference)
        if change:
            return f"{change[0]} {change[1]} embeddings"
        if value == 0:
            return "no embedding table"
        if value and reference:
            return "embeddings of about the same size"
    return f"{measure.title} {_quantity(chosen, measure)} instead of {_quantity(baseline, measure)}"


def _loss(chosen: VariantResult, baseline: VariantResult, config: EvaluatorConfig) -> str:
    difference = chosen.metrics[AUC_ROC].difference
    (constraint,) = (c for c in chosen.constraints if c.name == MAX_AUC_LOSS)
    assert difference is not None and constraint.worst is not None
    loss = f"auc_roc {abs(difference.value):.4f} {'below' if difference.value < 0 else 'above'}"
    if abs(difference.value) < _SHOWN:
        loss = "auc_roc equal to"
    bound = f"at most {max(constraint.worst, 0.0):.4f} below"
    if constraint.worst <= -_SHOWN:
        bound = f"at least {-constraint.worst:.4f} above"
    return (
        f"{loss} {baseline.name} and {bound} with "
        f"{percent(config.confidence)} confidence (limit {config.max_auc_loss:g})"
    )


def _failure(constraint: ConstraintResult, confidence: float) -> str:
    """One sentence: the constraint, by how much it is missed, what would decide it."""
    if constraint.value is None or constraint.worst is None:
        return f"{constraint.name} {constraint.limit:g}: nothing was measured."
    if constraint.name == MAX_AUC_LOSS:
        return _loss_failure(constraint, confidence)
    measure = _measure(constraint.name.partition("_")[2])
    return (
        f"{constraint.name} {measured_text(measure, constraint.limit)}: it has "
        f"{measured_text(measure, constraint.worst)}."
    )


def _value_and_worst(variant: VariantResult, worst: float, measure: Measure) -> str:
    if variant.measure(measure.name) == worst:
        return measured_text(measure, worst)
    return f"{_quantity(variant, measure)}, at worst {measured_text(measure, worst)}"


def _loss_failure(constraint: ConstraintResult, confidence: float) -> str:
    assert constraint.value is not None and constraint.worst is not None
    if constraint.value > constraint.limit:
        text = (
            f"Loses {constraint.value:.4f} of auc_roc, "
            f"{constraint.value - constraint.limit:.4f} more than {constraint.limit:g}"
        )
        tail = "would make that sure"
    else:
        verb = "Gains" if constraint.value < 0 else "Loses"
        text = (
            f"{verb} {abs(constraint.value):.4f} of auc_roc, but may lose up to "
            f"{constraint.worst:.4f} with {percent(confidence)} confidence, limit "
            f"{constraint.limit:g}"
        )
        tail = "could show that it keeps the limit"
    if constraint.more_rows is not None:
        text += f"; about {rows_text(constraint.more_rows)} more eval rows {tail}"
    return f"{text}."


def _missing_rows(variant: VariantResult) -> int | None:
    """Returns how many more eval rows could make a variant qualify; None if they could not."""
    missed = [constraint for constraint in variant.constraints if not constraint.is_met]
    rows = [c.more_rows for c in missed if c.more_rows is not None]
    if len(rows) < len(missed) or any(c.value is None or c.value > c.limit for c in missed):
        return None
    return max(rows, default=None)


def _nothing(variants: Sequence[VariantResult], config: EvaluatorConfig) -> str:
    """Names for each constraint that nobody keeps the variant that comes nearest to it."""
    sentences = []
    alive = [variant for variant in variants if not variant.diverged]
    if all(variant.measure(config.objective) is None for variant in alive):
        return f"Ship nothing: {config.objective}, the objective, was measured of no variant."
    keeping = [v.name for v in alive if all(constraint.is_met for constraint in v.constraints)]
    if keeping:
        return (
            f"Ship nothing: of what keeps all constraints ({', '.join(keeping)}) "
            f"{config.objective}, the objective, was not measured."
        )
    for position, constraint in enumerate(alive[0].constraints):
        ends = [(v, v.constraints[position].worst) for v in alive]
        measured = [
            (abs(worst - constraint.limit), v, worst) for v, worst in ends if worst is not None
        ]
        if any(v.constraints[position].is_met for v in alive) or not measured:
            continue
        _, nearest, worst = min(measured, key=lambda each: each[0])
        measure = _measure(constraint.name.partition("_")[2])
        sentences.append(
            f"no variant keeps {constraint.name} {measured_text(measure, constraint.limit)}, "
            f"{nearest.name} comes nearest with {_value_and_worst(nearest, worst, measure)}"
        )
    why = "; ".join(sentences) or "no variant keeps all constraints at once"
    return f"Ship nothing: {why}."

"""The choice of the variant to ship, and the sentence that says why."""

from collections.abc import Sequence

from components.errors import InputError
from components.evaluator.comparison import VariantResult

# A loss of exactly `max_auc_loss` is allowed; a float difference may be off by an ulp or two.
_ROUNDING = 1e-12


def choose_variant(
    variants: Sequence[VariantResult], baseline: str, max_auc_loss: float
) -> VariantResult:
    """Returns the smallest variant within `max_auc_loss` of the baseline's auc_roc.

    Small means few `embedding_bytes`. Of equally small variants the one with the higher auc_roc
    wins, then the first in name order. The baseline always qualifies; a diverged model never.

    Raises:
      InputError: if the baseline is missing or diverged: nothing can be compared then.
    """
    found = [result for result in variants if result.name == baseline]
    if not found:
        names = ", ".join(result.name for result in variants)
        raise InputError(f"the baseline {baseline!r} is not among the compared variants: {names}")
    if found[0].diverged:
        raise InputError(
            f"the baseline {baseline!r} diverged: its auc_roc is not a number, so no variant can "
            "be compared with it; train it with a lower learning rate"
        )
    lowest = found[0].auc_roc - max_auc_loss - _ROUNDING
    # NaN >= lowest is False, which leaves out the diverged models.
    within = [result for result in variants if result.auc_roc >= lowest]
    return min(within, key=lambda result: (result.embedding_bytes, -result.auc_roc, result.name))


def choice_reason(
    chosen: VariantResult,
    baseline: VariantResult,
    variants: Sequence[VariantResult],
    max_auc_loss: float,
) -> str:
    """Returns one sentence that says which of the variants to ship and why."""
    if chosen.name == baseline.name:
        if all(result.embedding_bytes >= baseline.embedding_bytes for result in variants):
            return f"Ship {chosen.name}, the baseline: no smaller variant was compared."
        return (
            f"Ship {chosen.name}, the baseline: no smaller variant stays within {max_auc_loss:g} "
            "of its auc_roc."
        )
    size = "embeddings of the same size"
    if 0 < chosen.embedding_bytes < baseline.embedding_bytes:
        ratio = baseline.embedding_bytes / chosen.embedding_bytes
        size = f"{ratio:,.{0 if ratio >= 100 else 1}f}x smaller embeddings"
    elif chosen.embedding_bytes < baseline.embedding_bytes:
        size = "no embedding table"
    return f"Ship {chosen.name}: {size}, {_auc_difference(chosen, baseline, max_auc_loss)}."


def _auc_difference(chosen: VariantResult, baseline: VariantResult, max_auc_loss: float) -> str:
    difference = f"{chosen.auc_roc - baseline.auc_roc:+.4f}"
    sign, size = difference[0], difference[1:]
    if float(size) == 0.0:
        return f"the same auc_roc as {baseline.name}"
    if sign == "+":
        return f"auc_roc {size} above {baseline.name}"
    return f"auc_roc {size} below {baseline.name} (limit {max_auc_loss:g})"

"""The configuration of the step that compares the variants."""

from collections.abc import Iterable

from pydantic import Field

from components.errors import InputError
from schemas.step_config import StepConfig


class EvaluatorConfig(StepConfig):
    """How the variants are compared and chosen.

    Attributes:
      baseline: the variant that the others are compared with.
      max_auc_loss: how far below the baseline's auc_roc the chosen variant may lie.
      batch_size: rows a call of a model. A result does not depend on it.
      num_thresholds: thresholds of TFMA's AUC. Its histogram has 10,000 buckets, so more are of no
        use. Fewer are coarser, which shows where the click rate is low.
      best_auc_roc: the best achievable auc_roc on this data where it is known. Only shown.
      best_logloss: the best achievable logloss, in nats. Only shown.
    """

    baseline: str = Field(default="full", min_length=1)
    max_auc_loss: float = Field(default=0.005, ge=0.0, le=1.0)
    batch_size: int = Field(default=8192, gt=0)
    num_thresholds: int = Field(default=10_000, ge=200, le=10_000)
    best_auc_roc: float | None = Field(default=None, ge=0.0, le=1.0)
    best_logloss: float | None = Field(default=None, ge=0.0)


def check_baseline(config: EvaluatorConfig, variants: Iterable[str]) -> None:
    """Checks that the baseline is one of the variants that are compared.

    Raises:
      InputError: if it is not; the message names the field and the known variants.
    """
    known = sorted(variants)
    if config.baseline not in known:
        raise InputError(
            f"evaluator.baseline: expected one of the compared variants {', '.join(known)}; "
            f"received {config.baseline!r}"
        )

"""The result of a comparison, as it is written to `comparison.json`."""

import json
import math
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer

COMPARISON_FILE = "comparison.json"
REPORT_FILE = "index.html"


def _nan_if_none(value: Any) -> Any:
    return math.nan if value is None else value


def _none_if_nan(value: float) -> float | None:
    return None if math.isnan(value) else value


# JSON has no NaN: the metric of a diverged model is null there.
Metric = Annotated[float, BeforeValidator(_nan_if_none), PlainSerializer(_none_if_nan)]


class VariantResult(BaseModel):
    """The measurements of one variant.

    Attributes:
      name: the variant.
      auc_roc: area under the ROC curve; NaN if the model diverged, as the next three.
      logloss: mean binary cross entropy, in nats.
      normalized_entropy: `logloss` / entropy of the mean label (He et al. 2014, section 3).
      calibration: mean prediction / mean label.
      num_parameters: trained numbers of the whole model.
      embedding_bytes: bytes of the embedding part's variables.
      saved_model_bytes: bytes of all files of the exported model.
      train_seconds: wall time of the training.
      train_examples_per_second: training rows seen a second.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    auc_roc: Metric
    logloss: Metric
    normalized_entropy: Metric
    calibration: Metric
    num_parameters: int
    embedding_bytes: int
    saved_model_bytes: int
    train_seconds: float
    train_examples_per_second: float

    @property
    def diverged(self) -> bool:
        """Whether the model predicted something that is not a number."""
        return math.isnan(self.auc_roc)


class Comparison(BaseModel):
    """All variants, the chosen one, and the facts the choice rests on.

    Attributes:
      baseline: the name of the variant that the others are compared with.
      chosen: the name of the variant to ship.
      reason: one sentence that says why.
      max_auc_loss: how far below the baseline's auc_roc the chosen variant may lie.
      num_eval_rows: rows of the eval split.
      click_rate: mean label of the eval split.
      best_auc_roc: the best achievable auc_roc where it is known.
      best_logloss: the best achievable logloss where it is known.
      variants: the measurements, the baseline first, then by falling embedding_bytes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    baseline: str
    chosen: str
    reason: str
    max_auc_loss: float
    num_eval_rows: int
    click_rate: float
    best_auc_roc: float | None = None
    best_logloss: float | None = None
    variants: tuple[VariantResult, ...]

    def variant(self, name: str) -> VariantResult:
        """Returns the measurements of one variant.

        Raises:
          KeyError: if `name` was not compared.
        """
        return {result.name: result for result in self.variants}[name]

    def to_json(self) -> str:
        """Returns indented JSON; the metrics of a diverged model are null."""
        return json.dumps(self.model_dump(mode="json"), indent=2, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Comparison":
        """Rebuilds a comparison from `to_json`.

        Raises:
          pydantic.ValidationError: if a field is missing, unknown or of the wrong type.
        """
        return cls.model_validate(json.loads(text))

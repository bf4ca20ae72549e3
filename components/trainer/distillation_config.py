"""Configuration of learning from a larger network."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from schemas.step_config import StepConfig

# What the teacher has whatever the student is, unless `teacher` says otherwise.
_LARGE: dict[str, Any] = {
    "embedding": {},
    "embeddings": {},
    "embedding_dims": {},
    "compression_ratio": None,
    "embedding_bytes": None,
}
_VARIANT_LENGTH = 56  # leaves room for what is added to it
# What both share: the rows, where they are trained, and that the teacher has no teacher.
_SHARED = (
    "variant",
    "device",
    "tpu",
    "distillation",
    "validation_fraction",
    "negative_sampling_rate",
    "negative_sampling_correction",
)


class DistillationConfig(StepConfig):
    """How much a network learns from the predictions of another one (Hinton et al. 2015).

    First the teacher is trained on the same rows. The loss of a row is then (1 - weight) times that
    of its label, plus weight * T^2 times the cross-entropy between the probabilities of teacher and
    student, both from logits divided by the temperature T (section 2 there; the square keeps the
    gradients as large as at T = 1). For rankings: Tang & Wang 2018, "Ranking Distillation".

    Attributes:
      weight: of the teacher's probabilities; 0: there is no teacher.
      temperature: T.
      teacher: the fields of `TrainerConfig` in which the teacher differs from this configuration
        with full tables and without a size as a goal. A section such as `dense_optimizer` keeps
        what is not named, but for `embedding`, which counts whole.
    """

    weight: float = Field(default=0.0, ge=0, le=1)
    temperature: float = Field(default=1.0, gt=0, le=100)
    teacher: dict[str, Any] = Field(default_factory=dict)

    def teacher_fields(self, student: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the fields of the teacher's `TrainerConfig`.

        Args:
          student: all fields of the student's.

        Raises:
          ValueError: if `teacher` names a field that both share.
        """
        shared = sorted(set(self.teacher) & set(_SHARED))
        if shared:
            raise ValueError(
                f"distillation.teacher: expected no field that it shares with the student "
                f"({', '.join(_SHARED)}), received {', '.join(shared)}"
            )
        name = f"{student['variant'][:_VARIANT_LENGTH]}_teacher"
        fields = {**student, **_LARGE, "distillation": {}, "variant": name}
        if not (student["early_stopping"]["patience"] or student["reduce_on_plateau"]["patience"]):
            fields |= {"evals_per_epoch": 0, "train_eval_rows": 0}
        for name, value in self.teacher.items():
            own = fields.get(name)
            is_section = isinstance(own, dict) and isinstance(value, dict)
            fields[name] = {**own, **value} if is_section and own and name != "embedding" else value
        return fields

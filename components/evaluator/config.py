"""The configuration of the step that compares the variants."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pydantic import ByteSize, Field, TypeAdapter, field_validator, model_validator

from components.errors import InputError
from components.evaluator.measures import COSTS, METRICS, batch_size_of, find_measure
from schemas.step_config import StepConfig

TIME_KEY = "time"
SPAN_KEY = "span"
_BYTES = TypeAdapter(ByteSize)


class Limit(NamedTuple):
    """One constraint: `max_serving_bytes: 10MB` is `("max_serving_bytes", "serving_bytes", ...)`.

    Attributes:
      name: as it was given.
      measure: a name of `measures`.
      is_upper: whether larger values are refused, not smaller ones.
      value: the limit itself.
    """

    name: str
    measure: str
    is_upper: bool
    value: float


class SlicesConfig(StepConfig):
    """The parts of the eval rows that are also looked at by themselves.

    Attributes:
      frequency_bands: by how frequent the id of a categorical feature is in the train split: head,
        middle, tail, unseen, missing; for each such feature.
      missing: by the number of missing fields in a row.
      time: by the files of the eval split in their order, in this many parts of about equally many
        rows; 0 leaves it out. Files follow the spans and the order of the log.
      span: by the span of the log, where the eval rows are of several.
      columns: raw columns whose values make slices.
      max_values: of such a column the most frequent values; the others are one slice, `other`.
      min_rows: smaller slices are left out.
    """

    frequency_bands: bool = True
    missing: bool = True
    time: int = Field(default=4, ge=0, le=100)
    span: bool = True
    columns: tuple[str, ...] = ()
    max_values: int = Field(default=10, ge=1, le=1000)
    min_rows: int = Field(default=100, ge=2)

    def check_columns(self, known: Sequence[str]) -> None:
        """Checks the configured columns against the features of a log.

        Raises:
          ValueError: if one is unknown, or has the name of another slice key.
        """
        unknown = [name for name in self.columns if name not in known]
        if unknown:
            raise ValueError(
                f"evaluator.slices.columns: expected features of the log ({', '.join(known)}); "
                f"received {', '.join(unknown)}"
            )
        if TIME_KEY in self.columns and self.time:
            raise ValueError(
                f"evaluator.slices.columns: received {TIME_KEY!r}, which is what slices by the "
                "order of the rows are called; expected evaluator.slices.time 0 beside it"
            )
        if SPAN_KEY in self.columns and self.span:
            raise ValueError(
                f"evaluator.slices.columns: received {SPAN_KEY!r}, which is what slices by the "
                "span of the log are called; expected evaluator.slices.span false beside it"
            )


class LatencyConfig(StepConfig):
    """How the exported models are timed.

    Attributes:
      batch_sizes: rows a call; empty measures nothing.
      seconds: about how long each variant is called at each batch size.
      max_calls: and how often at most.
    """

    batch_sizes: tuple[int, ...] = (1, 128, 2048)
    seconds: float = Field(default=0.5, gt=0, le=60)
    max_calls: int = Field(default=1000, ge=20)

    @field_validator("batch_sizes")
    @classmethod
    def _are_sizes(cls, sizes: tuple[int, ...]) -> tuple[int, ...]:
        if any(size < 1 for size in sizes) or len(set(sizes)) < len(sizes):
            raise ValueError(f"expected different sizes of 1 or more; received {list(sizes)}")
        return sizes


class EvaluatorConfig(StepConfig):
    """How the variants are compared and chosen.

    Attributes:
      baseline: the variant that the others are compared with.
      objective: the cost or metric that the choice optimizes among the variants that keep all
        constraints: `embedding_bytes`, `serving_bytes`, `latency_p99_batch1`,
        `train_examples_per_second`, ... (`measures`).
      max_auc_loss: how far below the baseline's auc_roc the chosen variant may lie; a variant
        qualifies if its loss is at most that with `confidence`.
      constraints: further limits on any cost or metric: `max_serving_bytes: 10MB`,
        `max_latency_p99_batch1: 2` (ms), `min_train_examples_per_second: 20000`. Metrics are held
        against their interval's worse end.
      confidence: of the intervals and of the choice.
      num_resamples: of the bootstrap.
      resample_seed: of the bootstrap.
      threshold: from which prediction on a row counts as a click, for accuracy, precision, recall
        and F1.
      target_logloss: `seconds_to_target` is how long a training takes to reach it; None takes the
        baseline's last evaluation while training.
      slices: parts of the eval rows.
      latency: timing of the exported models.
      batch_size: rows a call of a model when it predicts. A result does not depend on it.
      best_auc_roc: the best achievable auc_roc on this data where it is known. Only shown.
      best_logloss: the best achievable logloss, in nats. Only shown.
    """

    baseline: str = Field(default="full", min_length=1)
    objective: str = "embedding_bytes"
    max_auc_loss: float = Field(default=0.005, ge=0.0, le=1.0)
    constraints: dict[str, float | str] = Field(default_factory=dict)
    confidence: float = Field(default=0.95, ge=0.5, lt=1.0)
    num_resamples: int = Field(default=1000, ge=100, le=100_000)
    resample_seed: int = Field(default=0, ge=0, lt=2**32)
    threshold: float = Field(default=0.5, gt=0.0, lt=1.0)
    target_logloss: float | None = Field(default=None, gt=0.0)
    slices: SlicesConfig = Field(default_factory=SlicesConfig)
    latency: LatencyConfig = Field(default_factory=LatencyConfig)
    batch_size: int = Field(default=8192, gt=0)
    best_auc_roc: float | None = Field(default=None, ge=0.0, le=1.0)
    best_logloss: float | None = Field(default=None, ge=0.0)

    @field_validator("objective")
    @classmethod
    def _is_a_measure(cls, objective: str) -> str:
        measure = find_measure(objective)
        if measure is None or measure.better == "nearer to 1":
            metrics = [each.name for each in METRICS.values() if each.better != "nearer to 1"]
            known = [*COSTS, "latency_p99_batch1", "examples_per_second_batch128", *metrics]
            raise ValueError(
                f"expected a measure with a better direction, such as {', '.join(known)}; "
                f"received {objective!r}"
            )
        return objective

    @field_validator("constraints")
    @classmethod
    def _are_limits(cls, constraints: dict[str, float | str]) -> dict[str, float | str]:
        for name, value in constraints.items():
            _limit(name, value)
        return constraints

    @model_validator(mode="after")
    def _needed_latencies_are_measured(self) -> "EvaluatorConfig":
        for name in (self.objective, *(limit.measure for limit in self.limits())):
            size = batch_size_of(name)
            if size is not None and size not in self.latency.batch_sizes:
                raise ValueError(
                    f"{name} needs {size} among latency.batch_sizes; received "
                    f"{list(self.latency.batch_sizes)}"
                )
        return self

    def limits(self) -> tuple[Limit, ...]:
        """Returns the constraints but `max_auc_loss`."""
        return tuple(_limit(name, value) for name, value in self.constraints.items())


def _limit(name: str, value: float | str) -> Limit:
    kind, _, rest = name.partition("_")
    measure = find_measure(rest)
    if kind not in ("max", "min") or measure is None:
        raise ValueError(
            f"constraints.{name}: expected max_ or min_ and a measure, such as max_serving_bytes, "
            f"max_latency_p99_batch1 or min_train_examples_per_second; known measures: "
            f"{', '.join((*COSTS, *METRICS))}, latency_p50_batch1, latency_p99_batch1, "
            "examples_per_second_batch1 and so on"
        )
    if isinstance(value, str) and measure.unit == "bytes":
        value = float(_BYTES.validate_python(value))
    if isinstance(value, str):
        raise ValueError(f"constraints.{name}: expected a number; received {value!r}")
    if not math.isfinite(value):
        raise ValueError(f"constraints.{name}: expected a finite number; received {value!r}")
    return Limit(name, measure.name, kind == "max", float(value))


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

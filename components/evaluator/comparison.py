"""The result of a comparison, as it is written to `comparison.json`."""

import json
from typing import Any

from pydantic import Field

from components.evaluator.metric_result import CalibrationBin, MetricResult, ResultPart, SliceResult
from components.evaluator.preflight_facts import PreflightFacts
from components.training_record import EvalPoint, LossPoint
from schemas.spans import SpanCounts

COMPARISON_FILE = "comparison.json"
REPORT_FILE = "index.html"
MARKDOWN_FILE = "comparison.md"


class LatencyResult(ResultPart):
    """How long a call of the exported model takes, in a process of its own.

    Attributes:
      batch_size: rows a call.
      num_calls: that were timed.
      p50_ms: median, milliseconds.
      p99_ms: 99th percentile, milliseconds.
      p99_low_ms: lower end of its interval at the comparison's confidence, which comes from the
        order of the calls; None if all calls are too few for an end.
      p99_high_ms: upper end, likewise.
      examples_per_second: rows a second at the median.
      quantiles_ms: 41 quantiles at 0 %, 2.5 %, ... 100 %.
    """

    batch_size: int
    num_calls: int
    p50_ms: float
    p99_ms: float
    p99_low_ms: float | None = None
    p99_high_ms: float | None = None
    examples_per_second: float
    quantiles_ms: tuple[float, ...]


class ConstraintResult(ResultPart):
    """Whether a variant keeps one constraint.

    Attributes:
      name: such as `"max_auc_loss"` or `"max_serving_bytes"`.
      limit: what is allowed.
      value: what was measured; for `max_auc_loss` the loss of auc_roc; None if nothing was.
      worst: the end of the interval that the limit is held against; of a loss, after Holm's
        correction; equal to `value` where nothing is estimated.
      is_met: whether it is kept with the comparison's confidence.
      more_rows: about how many more eval rows would decide it, where the estimate lies on one side
        of the limit and `worst` on the other; None otherwise.
    """

    name: str
    limit: float
    value: float | None
    worst: float | None
    is_met: bool
    more_rows: int | None = None


class VariantResult(ResultPart):
    """The measurements of one variant.

    Attributes:
      name: the variant.
      seeds: of its replicas; the model of the first is the one to ship.
      metrics: metric -> result, in the order of `measures.METRICS`; empty if a replica diverged.
      costs: cost -> number, as in `measures.COSTS`, with `latency_p50_batch1`,
        `latency_p99_batch1`, `examples_per_second_batch1` (ms, ms, rows a second) and so on for
        each measured batch size; what was not measured or not reached is left out.
      latency: by batch size; empty if it was not measured.
      slices: by key and value.
      calibration_bins: by rising prediction, of equal weight.
      loss_curve: of the first replica's training.
      eval_curve: of the first replica's training.
      table_bytes: embedding table -> bytes as served.
      constraints: what was asked for, and whether it is kept.
      is_on_front: whether no other variant is better in the objective and in auc_roc (Pareto).
      is_blessed: whether it is the chosen one.
      verdict: one sentence that says why it is chosen, or why not.
      config: the first replica's trainer configuration.
    """

    name: str
    seeds: tuple[int, ...]
    metrics: dict[str, MetricResult]
    costs: dict[str, float]
    latency: tuple[LatencyResult, ...] = ()
    slices: tuple[SliceResult, ...] = ()
    calibration_bins: tuple[CalibrationBin, ...] = ()
    loss_curve: tuple[LossPoint, ...] = ()
    eval_curve: tuple[EvalPoint, ...] = ()
    table_bytes: dict[str, int] = Field(default_factory=dict)
    constraints: tuple[ConstraintResult, ...] = ()
    is_on_front: bool = False
    is_blessed: bool = False
    verdict: str = ""
    config: dict[str, Any] = Field(default_factory=dict)

    @property
    def diverged(self) -> bool:
        """Whether a replica predicted something that is not a number."""
        return not self.metrics

    def measure(self, name: str) -> float | None:
        """Returns a metric's value or a cost; None if the variant lacks it."""
        metric = self.metrics.get(name)
        return metric.estimate.value if metric else self.costs.get(name)


class DataFacts(ResultPart):
    """The rows behind the comparison.

    Attributes:
      num_train_rows: rows that each variant was trained on.
      num_eval_rows: rows of the eval split.
      num_eval_clicks: those with label 1.
      vocabulary_sizes: categorical feature -> its number of ids.
      num_dense_features: numeric columns.
      spans: of the window, oldest first; empty where the log has none.
      fingerprint: of the raw files, where it is known.
      weight_column: the log's column that weighs the rows; None where all count alike.
    """

    num_train_rows: int
    num_eval_rows: int
    num_eval_clicks: int
    vocabulary_sizes: dict[str, int]
    num_dense_features: int
    spans: tuple[SpanCounts, ...] = ()
    fingerprint: str | None = None
    weight_column: str | None = None

    @property
    def click_rate(self) -> float:
        """The mean label of the eval rows."""
        return self.num_eval_clicks / self.num_eval_rows


class Lineage(ResultPart):
    """Where the comparison came from, in ML Metadata's words.

    Attributes:
      run_id: of the pipeline run.
      artifact_ids: input of the comparing step -> ids of the artifacts.
      environment: such as `"cpu"`, `"num_cores"`, `"python"`, `"tensorflow"`.
      command: the command line of that run, from the script's name on. The step does not know it
        (it would be part of its cache key): a local run adds it when it publishes the report.
      commit: of the git checkout that ran it; None where there was none.
      has_local_changes: whether files of the checkout differed from the commit.
    """

    run_id: str = ""
    artifact_ids: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    environment: dict[str, str] = Field(default_factory=dict)
    command: str | None = None
    commit: str | None = None
    has_local_changes: bool | None = None


class Comparison(ResultPart):
    """All variants, the chosen one, and the facts the choice rests on.

    Attributes:
      baseline: the name of the variant that the others are compared with.
      chosen: the name of the variant to ship; None if none keeps all constraints.
      reason: one sentence that says why.
      objective: the measure that the choice optimizes.
      confidence: of all intervals and of the choice, such as 0.95.
      num_resamples: of the bootstrap.
      threshold: from which prediction on a row counts as a click, for accuracy, precision, recall
        and F1.
      target_logloss: what `seconds_to_target` waits for; None without evaluations while training.
      data: the rows.
      lineage: where all of this came from.
      config: the configuration of the comparing step.
      best_auc_roc: the best achievable auc_roc where it is known.
      best_logloss: the best achievable logloss where it is known.
      preflight: what the variants' train steps are on TPUs; None if that was not asked.
      variants: the measurements, the baseline first, then by falling embedding_bytes.
    """

    baseline: str
    chosen: str | None
    reason: str
    objective: str
    confidence: float
    num_resamples: int
    threshold: float
    target_logloss: float | None = None
    data: DataFacts
    lineage: Lineage = Lineage()
    config: dict[str, Any] = Field(default_factory=dict)
    best_auc_roc: float | None = None
    best_logloss: float | None = None
    preflight: PreflightFacts | None = None
    variants: tuple[VariantResult, ...]

    def variant(self, name: str) -> VariantResult:
        """Returns the measurements of one variant.

        Raises:
          KeyError: if `name` was not compared.
        """
        return {result.name: result for result in self.variants}[name]

    def to_json(self) -> str:
        """Returns indented JSON."""
        return json.dumps(self.model_dump(mode="json"), indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Comparison":
        """Rebuilds a comparison from `to_json`.

        Raises:
          pydantic.ValidationError: if a field is missing, unknown or of the wrong type.
        """
        return cls.model_validate(json.loads(text))

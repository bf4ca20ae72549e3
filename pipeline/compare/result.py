"""What a comparison of two runs brings; `--json` writes it."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from components.evaluator.metric_result import Estimate, MetricResult

A, B = "A", "B"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Change(_Part):
    """A field that differs between the runs.

    Attributes:
      field: its dotted name.
      a: its value in run A; None if it is null or not there.
      b: likewise in run B.
    """

    field: str
    a: Any
    b: Any


class Side(_Part):
    """The model that one run chose.

    Attributes:
      root: the root folder of the run.
      run_id: of the pipeline run.
      started: of the run, ISO 8601 in UTC.
      variant: the chosen one.
      model_id: of the model in ML Metadata; with several seeds, of the first replica's.
      model_path: the folder that holds `saved_model.pb`.
    """

    root: str
    run_id: str
    started: str
    variant: str
    model_id: int
    model_path: str


class Rows(_Part):
    """The rows that both models predicted.

    Attributes:
      source: which they are, for people.
      uri: the folder of the split, or the pattern of the log.
      num_rows: how many.
      num_clicks: those with label 1.
      num_rejected: lines of a log that are no rows; they are left out.
      weight_column: the log's column that weighs the rows; None where all count alike.
    """

    source: str
    uri: str
    num_rows: int
    num_clicks: int
    num_rejected: int = 0
    weight_column: str | None = None


class MetricPair(_Part):
    """One metric of both models on the same rows.

    Attributes:
      a: of run A's model.
      b: of run B's model; `difference` is B minus A, paired.
    """

    a: Estimate
    b: MetricResult

    @property
    def difference(self) -> Estimate:
        """B minus A."""
        assert self.b.difference is not None, "A is the baseline"
        return self.b.difference


class CostPair(_Part):
    """One cost of both models; None where it is not known."""

    a: float | None
    b: float | None


class RunComparison(_Part):
    """Two runs, what changed between them, and how their chosen models do on the same rows.

    Attributes:
      a: the run of the first `--root`.
      b: the run of the second.
      config_changes: fields of the steps' configurations. `trainer` is the chosen variant's, as it
        was trained.
      code_changes: step -> the versions of its code.
      data_changes: files, rows, click rates, vocabularies.
      rows: what was predicted.
      warnings: what makes the comparison unfair.
      confidence: of the intervals.
      metrics: metric -> both models, in the order of `measures.METRICS`.
      costs: cost -> both models.
      sentence: the answer.
    """

    a: Side
    b: Side
    config_changes: tuple[Change, ...]
    code_changes: tuple[Change, ...]
    data_changes: tuple[Change, ...]
    rows: Rows
    warnings: tuple[str, ...]
    confidence: float
    metrics: dict[str, MetricPair]
    costs: dict[str, CostPair]
    sentence: str

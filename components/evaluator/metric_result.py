"""What was measured of a variant on the eval rows."""

from pydantic import BaseModel, ConfigDict


class ResultPart(BaseModel):
    """A part of a result: nothing in it changes, nothing is unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Estimate(ResultPart):
    """A number measured on the eval rows, with its uncertainty.

    Attributes:
      value: the number on the rows themselves; with several seeds, the mean over the replicas.
      standard_error: of `value`: from the draw of the eval rows and, with several seeds, from the
        seeds.
      low: lower end of the interval that holds the truth at the comparison's confidence.
      high: upper end.
      degrees_of_freedom: of the Student's distribution that gives this interval; None is infinitely
        many, the normal distribution.
    """

    value: float
    standard_error: float
    low: float
    high: float
    degrees_of_freedom: float | None = None


class MetricResult(ResultPart):
    """One metric of one variant.

    Attributes:
      estimate: of the variant itself.
      difference: variant minus baseline on the same rows (paired); None for the baseline.
      p_value: of no difference, two-sided; None for the baseline.
      adjusted_p_value: the same after Holm's correction (Holm 1979) for all variants that are
        compared by this metric; of slices, for all variants and slices.
      sampling_error: the part of the difference's standard error (of the estimate's, for the
        baseline) that the draw of the eval rows brings.
      seed_error: the part that the seeds bring: standard deviation over the replicas / sqrt(their
        number); None with one seed.
    """

    estimate: Estimate
    difference: Estimate | None = None
    p_value: float | None = None
    adjusted_p_value: float | None = None
    sampling_error: float
    seed_error: float | None = None


class CalibrationBin(ResultPart):
    """Eval rows with similar predictions.

    Attributes:
      num_rows: how many.
      mean_prediction: of these rows.
      click_rate: the mean of their labels.
      low: lower end of the click rate's interval (Wilson 1927).
      high: upper end.
    """

    num_rows: int
    mean_prediction: float
    click_rate: float
    low: float
    high: float


class SliceResult(ResultPart):
    """The metrics of one variant on a part of the eval rows.

    Attributes:
      key: what the rows are told apart by, such as `"frequency of C3"`.
      value: of the key, such as `"tail"`.
      num_rows: rows of the slice.
      num_clicks: rows with label 1.
      metrics: those that are defined on it, of `"auc_roc"`, `"logloss"`, `"normalized_entropy"` and
        `"calibration"`; their errors are analytic (DeLong et al. 1988; delta method).
    """

    key: str
    value: str
    num_rows: int
    num_clicks: int
    metrics: dict[str, MetricResult]

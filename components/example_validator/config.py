"""Settings of the ExampleValidator step."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.click_log import ClickLog
from schemas.step_config import StepConfig

Share = Annotated[float, Field(ge=0, le=1)]
Bound = Annotated[float, Field(allow_inf_nan=False)]


class ColumnGuard(StepConfig):
    """What one column must keep to; None stands for the rule of all columns.

    Attributes:
      min_present_fraction: the smallest share of the rows that have a value, in every split.
      min_value: of a dense feature, the smallest value allowed.
      max_value: of a dense feature, the largest value allowed.
      max_drift: in place of `max_categorical_drift` or `max_dense_drift`; 1 allows everything.
      max_missing_rate_change: in place of the rule of all columns; 1 allows everything.
    """

    min_present_fraction: Share | None = None
    min_value: Bound | None = None
    max_value: Bound | None = None
    max_drift: Share | None = None
    max_missing_rate_change: Share | None = None

    @model_validator(mode="after")
    def _bounds_are_in_order(self) -> "ColumnGuard":
        low, high = self.min_value, self.max_value
        if low is not None and high is not None and low > high:
            raise ValueError("expected min_value <= max_value")
        return self

    @property
    def has_bounds(self) -> bool:
        """Whether it has a rule that only numbers can keep."""
        return self.min_value is not None or self.max_value is not None


class GuardConfig(StepConfig):
    """When the rows stop a run, and when they only cause a warning.

    A limit of the drift between train and eval is widened by what chance does to so few rows, so
    small logs raise no alarm either. With a split by time or by span it is the drift between the
    rows before and the newest ones; with a split by hash there should be none.

    Attributes:
      on_anomaly: what a deviation from the schema or from the bounds of a column does.
      on_drift: what a difference between train and eval does; `"ignore"` still measures it.
      max_categorical_drift: the largest difference between the shares of a value in the two splits
        (L-infinity distance).
      max_dense_drift: the largest Jensen-Shannon divergence, in bits, between the two splits over
        the tenths of the train split.
      max_missing_rate_change: the largest difference between the shares of missing values.
      columns: feature -> rules of its own.
    """

    on_anomaly: Literal["fail", "warn"] = "fail"
    on_drift: Literal["fail", "warn", "ignore"] = "warn"
    max_categorical_drift: Share = 0.1
    max_dense_drift: Share = 0.05
    max_missing_rate_change: Share = 0.1
    columns: dict[str, ColumnGuard] = Field(default_factory=dict)

    def check_columns(self, click_log: ClickLog) -> None:
        """Checks the rules of single columns.

        Raises:
          ValueError: if a column is no feature, or is no number and has bounds.
        """
        self.check_names(click_log.dense_features, click_log.categorical_features)

    def check_names(self, dense: Iterable[str], categorical: Iterable[str]) -> None:
        """Checks the rules of single columns as `check_columns` does, by the features' names."""
        numbers = tuple(dense)
        known = (*numbers, *categorical)
        for name, guard in self.columns.items():
            if name not in known:
                raise ValueError(f"columns.{name}: no such feature; known: {', '.join(known)}")
            if guard.has_bounds and name not in numbers:
                raise ValueError(
                    f"columns.{name}: min_value and max_value are for dense features; "
                    f"known: {', '.join(numbers) or 'none'}"
                )

    def column(self, name: str) -> ColumnGuard:
        """Returns the rules that a column has of its own."""
        return self.columns.get(name, ColumnGuard())

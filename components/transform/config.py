"""Configuration of the preprocessing."""

from collections.abc import Mapping
from math import inf
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationError, field_validator

from schemas.click_log import ClickLog
from schemas.step_config import StepConfig

Bound = Annotated[float, Field(allow_inf_nan=False)] | None
Count = Annotated[int, Field(ge=1, le=2**31 - 3)]
TreatmentT = TypeVar("TreatmentT", bound=StepConfig)


class CategoricalTreatment(StepConfig):
    """How the values of a categorical feature become ids; a missing one has an id of its own.

    Attributes:
      method: `"vocabulary"` gives each value that is frequent enough an id of its own, `"hash"`
        gives each value one of `num_hash_buckets` ids without looking at the data.
      frequency_threshold: how often a value must occur in the train split to enter the vocabulary.
      max_values: how many values the vocabulary has at most, the most frequent ones.
      num_oov_buckets: the ids that the values outside of the vocabulary share; more than one
        hashes them, so the head has a vocabulary and the tail is hashed.
      num_hash_buckets: the number of buckets when `method` is `"hash"`.
      hash_salt: another salt gives other collisions. The name of the feature is part of the hash
        too.
    """

    method: Literal["vocabulary", "hash"] = "vocabulary"
    frequency_threshold: int = Field(default=4, ge=1)
    max_values: Count | None = None
    num_oov_buckets: Count = 1
    num_hash_buckets: Count = 100_000
    hash_salt: int = Field(default=0, ge=0)


class DenseTreatment(StepConfig):
    """How a numeric feature becomes a dense value; its steps in the order in which they apply.

    Attributes:
      clip: the smallest and the largest value, either may be None; those outside take them.
      scale: `"log1p"` is sign(x) * log(1 + |x|); `"quantile"` is the share of the train split's
        values that are smaller, in steps of 1 / 100; `"none"` leaves the value.
      standardize: subtracts the mean and divides by the standard deviation of the train split.
      missing_indicator: adds a value that is 1 where the feature is missing. The feature itself is
        0 there.
      categorical_buckets: adds a categorical feature `<name>_bucket` with that many quantile
        buckets of the train split, for an embedding of a numeric feature.
    """

    clip: tuple[Bound, Bound] | None = None
    scale: Literal["none", "log1p", "quantile"] = "log1p"
    standardize: bool = False
    missing_indicator: bool = True
    categorical_buckets: int | None = Field(default=None, ge=2, le=10_000)

    @field_validator("clip")
    @classmethod
    def _is_an_interval(cls, clip: tuple[Bound, Bound] | None) -> tuple[Bound, Bound] | None:
        if clip is None:
            return None
        smallest, largest = clip
        if smallest is None and largest is None:
            raise ValueError("expected [smallest, largest] with a number for one of them or both")
        if smallest is not None and largest is not None and not smallest < largest:
            raise ValueError("expected [smallest, largest] with smallest < largest")
        return clip

    @property
    def bounds(self) -> tuple[float, float]:
        """The smallest and the largest value, infinite where there is none."""
        smallest, largest = self.clip or (None, None)
        return -inf if smallest is None else smallest, inf if largest is None else largest


def bucket_feature(name: str) -> str:
    """Returns the name of the categorical feature that `categorical_buckets` makes."""
    return f"{name}_bucket"


class TransformConfig(StepConfig):
    """How raw features become dense vectors and categorical ids.

    Attributes:
      dense: the treatment of all numeric features.
      categorical: the treatment of all categorical features.
      columns: feature -> the fields of its treatment that differ.
    """

    dense: DenseTreatment = Field(default_factory=DenseTreatment)
    categorical: CategoricalTreatment = Field(default_factory=CategoricalTreatment)
    columns: dict[str, dict[str, Any]] = Field(default_factory=dict)

    def dense_treatments(self, click_log: ClickLog) -> dict[str, DenseTreatment]:
        """Returns dense feature -> its treatment, in column order."""
        return self._treatments(self.dense, click_log.dense_features)

    def categorical_treatments(self, click_log: ClickLog) -> dict[str, CategoricalTreatment]:
        """Returns categorical feature -> its treatment, in column order."""
        return self._treatments(self.categorical, click_log.categorical_features)

    def check_columns(self, click_log: ClickLog) -> None:
        """Checks the treatments of single columns.

        Raises:
          ValueError: if a column is no feature, a field or its value is not allowed, or the name
            of a bucket feature is taken.
        """
        known = (*click_log.dense_features, *click_log.categorical_features)
        for name in self.columns:
            if name not in known:
                raise ValueError(f"columns.{name}: no such feature; known: {', '.join(known)}")
        self.categorical_treatments(click_log)
        for name, treatment in self.dense_treatments(click_log).items():
            if treatment.categorical_buckets and bucket_feature(name) in known:
                raise ValueError(
                    f"columns.{name}: categorical_buckets would make the feature "
                    f"{bucket_feature(name)!r}, which the log has already; rename one of them"
                )

    def _treatments(self, default: TreatmentT, names: tuple[str, ...]) -> dict[str, TreatmentT]:
        return {name: _override(default, name, self.columns.get(name, {})) for name in names}


def _override(default: TreatmentT, name: str, fields: Mapping[str, Any]) -> TreatmentT:
    try:
        return type(default).model_validate({**default.model_dump(), **fields})
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc']))}: {e['msg']}, received {e['input']!r}"
            for e in error.errors()
        )
        known = ", ".join(type(default).model_fields)
        raise ValueError(f"columns.{name}: {problems} (known fields: {known})") from error

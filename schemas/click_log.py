"""What the raw rows of a click log look like, whatever log it is.

Raw rows travel as Parquet: the column `LABEL` (int64, 0 or 1), where the log has weights `WEIGHT`
(float32, above 0), then one nullable column a feature, dense features first. Where a missing value
cannot be null (a dense tensor), integers hold `MISSING_INTEGER`, floats NaN and categories the
empty string.
"""

from typing import Annotated, Any, Literal

import pyarrow as pa
from pydantic import Field, model_validator

from schemas.step_config import StepConfig

LABEL = "label"
WEIGHT = "weight"
MISSING_INTEGER = -(2**63)
MISSING_FLOAT = float("nan")
MISSING_CATEGORY = b""

TRAIN_SPLIT = "train"
EVAL_SPLIT = "eval"
SPLITS = (TRAIN_SPLIT, EVAL_SPLIT)

Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)]
# The names of a SavedModel's inputs start with a letter.
FeatureName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=100)]
# Names that a feature cannot have: raw rows keep their clicks in `LABEL` and their weights in
# `WEIGHT`, and TensorFlow calls a signature's function with its inputs by name.
_TAKEN_NAMES = (LABEL, WEIGHT, "self")


class LabelColumn(StepConfig):
    """The column that tells a click.

    Attributes:
      column: its name in the log.
      positive_from: the smallest value that counts as a click, for logs of ratings or amounts;
        None takes a column of 0 and 1.
    """

    column: Name
    positive_from: float | None = Field(default=None, allow_inf_nan=False)


class DenseColumn(StepConfig):
    """A numeric feature: its name and the type of its values."""

    name: FeatureName
    type: Literal["integer", "float"] = "integer"


class CategoricalColumn(StepConfig):
    """A categorical feature: its name and what its values are made of.

    `"text"` is UTF-8 without control characters, `"hexadecimal"` 1 to 16 hexadecimal digits.
    """

    name: FeatureName
    type: Literal["text", "hexadecimal"] = "text"


class ClickLog(StepConfig):
    """The layout of a click log.

    Attributes:
      format: `"tsv"` has no quotes, `"csv"` has quotes as in RFC 4180 but no line end inside them,
        `"parquet"` has one column a name. Text may be compressed (gzip, Zstandard).
      header: whether the first line of a text file names its columns; then they may stand in any
        order, and unknown ones are left out.
      columns: all columns of a text file without a header, in their order; empty stands for the
        label, the weight, the dense and the categorical features.
      label: the column of the clicks.
      weight: the column that says how much a row counts, a finite number above 0; None counts each
        row once. Losses and metrics are means by weight. It is no feature.
      dense: the numeric features, in the order of the model's inputs.
      categorical: the categorical features, in the order of the model's inputs.
      missing_values: the texts that stand for a missing value.
      time_column: an integer column that grows with time, for splits by time. It may be a feature
        too.
    """

    format: Literal["tsv", "csv", "parquet"] = "tsv"
    header: bool = False
    columns: tuple[Name, ...] = ()
    label: LabelColumn
    weight: Name | None = None
    dense: tuple[DenseColumn, ...] = ()
    categorical: tuple[CategoricalColumn, ...] = Field(min_length=1)
    missing_values: tuple[str, ...] = ("",)
    time_column: Name | None = None

    @model_validator(mode="after")
    def _names_fit_together(self) -> "ClickLog":
        names = self.used_columns
        if len(set(names)) != len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise ValueError(f"each column has one role; named twice: {', '.join(twice)}")
        features = (*self.dense_features, *self.categorical_features)
        for name in _TAKEN_NAMES:
            if name in features:
                raise ValueError(f"no feature may be named {name!r}: the pipeline uses that name")
        if len({name.lower() for name in features}) != len(features):
            raise ValueError("two features differ in upper and lower case only: rename one")
        if self.time_column == self.label.column:
            raise ValueError("the label cannot be the time_column")
        if self.weight is not None and self.time_column == self.weight:
            raise ValueError("the weight cannot be the time_column")
        if self.has_names and self.columns:
            raise ValueError("`columns` is for text without a header; this log names its columns")
        if len(set(self.columns)) != len(self.columns):
            raise ValueError("`columns` names a column twice")
        missing = sorted({*names, *self._time_columns} - set(self.text_columns))
        if not self.has_names and missing:
            raise ValueError(f"`columns` lacks {', '.join(missing)}")
        return self

    @property
    def has_names(self) -> bool:
        """Whether the files themselves name their columns."""
        return self.header or self.format == "parquet"

    @property
    def delimiter(self) -> str:
        """The character between two fields of a line."""
        return "," if self.format == "csv" else "\t"

    @property
    def used_columns(self) -> tuple[str, ...]:
        """The names in the log of label, weight and features, in the order of raw rows."""
        weight = (self.weight,) if self.weight else ()
        return (self.label.column, *weight, *self.dense_features, *self.categorical_features)

    @property
    def text_columns(self) -> tuple[str, ...]:
        """The columns of a line, where the files do not name them."""
        return self.columns or (*self.used_columns, *self._extra_time_column)

    @property
    def dense_features(self) -> tuple[str, ...]:
        """The names of the dense features."""
        return tuple(column.name for column in self.dense)

    @property
    def categorical_features(self) -> tuple[str, ...]:
        """The names of the categorical features."""
        return tuple(column.name for column in self.categorical)

    @property
    def _time_columns(self) -> tuple[str, ...]:
        return (self.time_column,) if self.time_column else ()

    @property
    def _extra_time_column(self) -> tuple[str, ...]:
        return tuple(name for name in self._time_columns if name not in self.used_columns)


def raw_arrow_schema(click_log: ClickLog) -> pa.Schema:
    """Returns the Arrow schema of raw rows: int64 or float32 numbers, binary categories."""
    types = {"integer": pa.int64(), "float": pa.float32()}
    return pa.schema(
        [
            (LABEL, pa.int64()),
            *([(WEIGHT, pa.float32())] if click_log.weight else []),
            *((column.name, types[column.type]) for column in click_log.dense),
            *((name, pa.binary()) for name in click_log.categorical_features),
        ]
    )


def raw_feature_spec(click_log: ClickLog) -> dict[str, Any]:
    """Returns the `tf.io.parse_example` spec of a raw tf.Example's features.

    Every feature is a scalar and optional: a missing one gets the value that stands for it in a
    dense tensor.
    """
    import tensorflow as tf

    numbers = {"integer": (tf.int64, MISSING_INTEGER), "float": (tf.float32, MISSING_FLOAT)}
    spec: dict[str, Any] = {}
    for column in click_log.dense:
        dtype, missing = numbers[column.type]
        spec[column.name] = tf.io.FixedLenFeature([], dtype, default_value=missing)
    for name in click_log.categorical_features:
        spec[name] = tf.io.FixedLenFeature([], tf.string, default_value=MISSING_CATEGORY)
    return spec

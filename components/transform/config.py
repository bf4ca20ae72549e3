"""Configuration of the preprocessing."""

from typing import Literal

from pydantic import Field

from components.step_config import StepConfig


class TransformConfig(StepConfig):
    """How raw features become dense vectors and categorical ids.

    Attributes:
      categorical: `"vocabulary"` gives each value that is frequent enough an id of its own,
        `"hash"` gives each value one of `num_hash_buckets` ids a feature without looking at the
        data.
      frequency_threshold: how often a value must occur in the train split to enter the
        vocabulary; rarer ones share the out-of-vocabulary id of their feature.
      num_hash_buckets: the number of buckets a feature when `categorical` is `"hash"`.
      batch_rows: rows sent through the transform graph at a time.
    """

    categorical: Literal["vocabulary", "hash"] = "vocabulary"
    frequency_threshold: int = Field(default=4, ge=1)
    num_hash_buckets: int = Field(default=100_000, ge=1, le=2**31 - 3)
    batch_rows: int = Field(default=16_384, ge=1)

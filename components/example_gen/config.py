"""Settings of the ExampleGen step."""

from pydantic import Field

from components.step_config import StepConfig

NUM_SPLIT_BUCKETS = 10_000


class ExampleGenConfig(StepConfig):
    """How raw click logs become the examples artifact.

    Attributes:
      eval_fraction: share of the rows that go to the eval split, in steps of 1 / 10,000.
      split_seed: another seed gives another split of the same rows.
      block_bytes: uncompressed bytes that are decoded at once; it bounds the memory and sets the
        size of the Parquet files, and changes no row.
      max_bad_rate: the largest share of rejected lines with which the run goes on.
    """

    eval_fraction: float = Field(
        default=0.2, ge=1 / NUM_SPLIT_BUCKETS, le=1 - 1 / NUM_SPLIT_BUCKETS
    )
    split_seed: int = Field(default=0, ge=0, lt=2**32)
    block_bytes: int = Field(default=4 * 2**20, ge=1024, le=2**30)
    max_bad_rate: float = Field(default=0.001, ge=0, le=1)

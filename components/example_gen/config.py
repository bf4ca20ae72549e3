"""Settings of the ExampleGen step."""

from typing import Literal

from pydantic import Field, model_validator

from schemas.step_config import StepConfig

NUM_SPLIT_BUCKETS = 10_000


class SplitConfig(StepConfig):
    """How rows are divided into train and eval.

    Attributes:
      method: `"hash"` by the content of a row; `"last_rows"` the last `eval_fraction` of the rows
        in the order of files and lines; `"time"` the last `eval_fraction` of the rows by the log's
        `time_column`; `"last_files"` the last `num_eval_files` files in name order; `"last_span"`
        the newest span of the window; `"given"` the files that match `eval_files`.
      eval_fraction: share of the rows that go to the eval split; for `"hash"` in steps of
        1 / 10,000. The methods by files and spans take it from the files.
      seed: for `"hash"`: another seed gives another split of the same rows.
      num_eval_files: for `"last_files"`.
      eval_files: for `"given"`: a pattern of file names (the last part of their paths).
    """

    method: Literal["hash", "last_rows", "time", "last_files", "last_span", "given"] = "hash"
    eval_fraction: float = Field(
        default=0.2, ge=1 / NUM_SPLIT_BUCKETS, le=1 - 1 / NUM_SPLIT_BUCKETS
    )
    seed: int = Field(default=0, ge=0, lt=2**32)
    num_eval_files: int = Field(default=1, ge=1)
    eval_files: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _given_files_are_given(self) -> "SplitConfig":
        if (self.method == "given") != (self.eval_files is not None):
            raise ValueError(
                "method 'given' and a pattern of file names in eval_files go together, received "
                f"method {self.method!r} and eval_files {self.eval_files!r}"
            )
        return self


class ExampleGenConfig(StepConfig):
    """How raw click logs become the examples artifact.

    Attributes:
      split: how rows are divided into train and eval.
      window_spans: for a `{SPAN}` pattern: how many of the newest spans are read together.
      size_megabytes: a dataset version of this size (10**6 bytes of raw lines): rows drawn evenly
        over the whole log, with the log's share of clicks. None takes every row. A row has the
        same split in every version.
      sample_seed: of the rows of a dataset version, and of the negatives that stay.
      negative_sampling_rate: share of the train split's rows without a click that stay. The eval
        split keeps all of its rows; the trainers correct for it.
      block_bytes: uncompressed bytes that are decoded at once; it bounds the memory and sets the
        size of the Parquet files, and changes no row.
      max_bad_rate: the largest share of rejected lines with which the run goes on.
    """

    split: SplitConfig = Field(default_factory=SplitConfig)
    window_spans: int = Field(default=1, ge=1)
    size_megabytes: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    sample_seed: int = Field(default=0, ge=0, lt=2**32)
    negative_sampling_rate: float = Field(default=1.0, gt=0, le=1)
    block_bytes: int = Field(default=4 * 2**20, ge=1024, le=2**30)
    max_bad_rate: float = Field(default=0.001, ge=0, le=1)

    @model_validator(mode="after")
    def _last_span_has_others(self) -> "ExampleGenConfig":
        if self.split.method == "last_span" and self.window_spans < 2:
            raise ValueError(
                "split.method 'last_span' evaluates on the newest span and trains on the others "
                f"of the window: set window_spans to 2 or more, received {self.window_spans}"
            )
        return self

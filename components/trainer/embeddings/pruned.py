"""Tables whose smallest values become 0 while they are trained, and are not served."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from pydantic import Field, model_validator

from components.trainer.embeddings.parts.sparse_rows import SparseRows, largest, lookup
from components.trainer.embeddings.parts.storage import Storage
from components.trainer.method_config import SizedConfig


class PrunedConfig(SizedConfig):
    """Options of `Pruned`.

    Attributes:
      begin: the fraction of the training up to which no value is set to 0.
      end: the fraction after which as many are as in the end.
      num_prunings: how often, in equal distances from `begin` to the end of the training.
    """

    begin: float = Field(default=0.1, ge=0, lt=1)
    end: float = Field(default=0.6, gt=0, le=1)
    num_prunings: int = Field(default=20, ge=1, le=1_000)

    @model_validator(mode="after")
    def _begins_before_the_end(self) -> "PrunedConfig":
        if self.begin >= self.end:
            raise ValueError(
                f"begin: expected less than end, received begin {self.begin}, end {self.end}"
            )
        return self


class Pruned(Storage):
    """Of each table the values of largest magnitude; the others are 0.

    After a fraction `p` of the training, between `begin` and `end`, the part of a table's values
    that is set to 0 is `s * (1 - (1 - (p - begin) / (end - begin)) ** 3)`, where `s` is the part in
    the end; after that it stays `s`. In between, values grow again if their gradients make them, so
    those that were cut by mistake come back. (The paper keeps their mask until it is made anew; a
    mask of its own would cost the training a bit a value.) The last pruning ends the training.

    Source: Zhu & Gupta 2017, "To prune, or not to prune: exploring the efficacy of pruning for
    model compression", section 3, with initial sparsity 0.

    Bytes: those of `SparseRows`, for each table at most `4 * num_rows * width / compression_ratio`
    where it can be so small.
    """

    Config = PrunedConfig
    is_by_row = False

    def __init__(self, config: PrunedConfig) -> None:
        """Takes the options."""
        super().__init__(config)
        self._options = config
        self.maintenance = tuple(np.linspace(config.begin, 1.0, config.num_prunings + 1)[1:])
        self.settled_from = next(p for p in self.maintenance if p >= config.end)

    def _layout(self, num_rows: int, width: int) -> SparseRows:
        return SparseRows.of_ratio(num_rows, width, self._options.compression_ratio)

    def maintain(self, progress: float, values: np.ndarray) -> np.ndarray:
        """Returns the values with the smallest ones set to 0."""
        begin, end = self._options.begin, self._options.end
        done = min((progress - begin) / (end - begin), 1.0)
        num_pruned = values.size - self._layout(*values.shape).num_kept
        num_kept = values.size - int(num_pruned * (1 - (1 - done) ** 3))
        return np.where(largest(values, num_kept), values, np.float32(0))

    def encode(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the arrays of `SparseRows`."""
        return self._layout(*values.shape).encode(values)

    def lookup(self, encoded: Mapping[str, tf.Variable], rows: tf.Tensor, width: int) -> tf.Tensor:
        """Returns the rows, with 0 where nothing is kept."""
        return tf.ensure_shape(lookup(encoded, rows), [*rows.shape, width])

    def num_bytes(self, num_rows: int, width: int) -> int:
        """Returns the bytes of `SparseRows`."""
        return self._layout(num_rows, width).num_bytes

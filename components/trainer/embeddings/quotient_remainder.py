"""Complementary partitions: a small table for the quotient, one for the remainder of an id."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import tensorflow as tf

from components.trainer.embeddings.base import Embedding
from components.trainer.method_config import SizedConfig


class QuotientRemainderConfig(SizedConfig):
    """Options of `QuotientRemainder`.

    Attributes:
      operation: how the two rows are joined: `"mult"` multiplies them by element, `"add"` adds
        them, `"concat"` sets two halves side by side.
    """

    operation: Literal["mult", "add", "concat"] = "mult"

    def check_embedding_dim(self, embedding_dim: int) -> None:
        """Refuses an odd width for `"concat"`.

        Raises:
          ValueError: if there are no two halves.
        """
        if self.operation == "concat" and embedding_dim % 2:
            raise ValueError(
                "operation 'concat' sets two halves side by side and needs an even embedding_dim; "
                f"received {embedding_dim}"
            )


class QuotientRemainder(Embedding):
    """`e(id) = Q[id // m] op R[id % m]`.

    No two ids share both rows, so every id has a vector of its own. Both tables have
    `m + vocabulary_size / m` rows together; `m` is the larger number for which that gives the
    compression ratio, or `sqrt(vocabulary_size)`, the smallest two tables, where none does.

    Source: Shi et al. 2020, "Compositional Embeddings Using Complementary Partitions for
    Memory-Efficient Recommendation Systems", section 2 (algorithm 2) and section 4 (operations).
    With `"mult"` the quotient rows start around one, uniform in `(1/sqrt(vocabulary_size), 1)`
    as in the authors' code, and the remainder rows as in a full table, so that products start at
    the scale of a full table's rows.

    Parameters: `(m + ceil(vocabulary_size / m)) * embedding_dim`; half of it with `"concat"`.
    """

    Config = QuotientRemainderConfig

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        config: QuotientRemainderConfig,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(vocabulary_size, embedding_dim, config, rng)
        self._operation = config.operation
        width = embedding_dim // 2 if config.operation == "concat" else embedding_dim
        num_rows = vocabulary_size / config.compression_ratio * embedding_dim / width
        self._num_remainders = _num_remainders(vocabulary_size, num_rows)
        num_quotients = -(-vocabulary_size // self._num_remainders)
        low = 1.0 / math.sqrt(vocabulary_size) if config.operation == "mult" else None
        self.add_table(num_quotients, width, low)
        self.add_table(self._num_remainders, width)

    def rows(self, ids: tf.Tensor) -> list[tf.Tensor]:
        """Returns quotient and remainder of each id, each of its type and `[batch]`."""
        num_remainders = tf.constant(self._num_remainders, ids.dtype)
        return [ids // num_remainders, ids % num_remainders]

    def combine(self, vectors: Sequence[tf.Tensor], ids: tf.Tensor) -> tf.Tensor:
        """Returns the quotient's row joined with the remainder's row for each id."""
        quotient, remainder = vectors
        if self._operation == "mult":
            return quotient * remainder
        if self._operation == "add":
            return quotient + remainder
        return tf.concat([quotient, remainder], axis=1)


def _num_remainders(vocabulary_size: int, num_rows: float) -> int:
    """The larger `m` with `m + vocabulary_size / m = num_rows`, or that of the smallest sum."""
    half = num_rows / 2
    excess = max(half**2 - vocabulary_size, 0.0)
    return min(
        math.ceil(max(half + math.sqrt(excess), math.sqrt(vocabulary_size))), vocabulary_size
    )

"""The hashing trick: ids share the rows of a smaller table."""

import math

import numpy as np
import tensorflow as tf
from pydantic import Field

from components.trainer.embeddings.base import Embedding, MethodConfig

# The Mersenne prime 2**31 - 1. For ids, multiplier and offset below it, the product and sum stay
# below 2**62, so int64 arithmetic is exact.
PRIME = 2**31 - 1


class HashingConfig(MethodConfig):
    """Options of `Hashing`.

    Attributes:
      compression_ratio: ids a row; the table has `ceil(vocabulary_size / compression_ratio)`
        rows.
    """

    compression_ratio: float = Field(default=4.0, gt=1, allow_inf_nan=False)


def hashed_rows(ids: tf.Tensor, multiplier: int, offset: int, num_buckets: int) -> tf.Tensor:
    """Returns `((multiplier * id + offset) mod PRIME) mod num_buckets`.

    The universal hash of Carter and Wegman 1979, "Universal Classes of Hash Functions",
    section 3 (class H1): two ids share a row with a chance of about 1 in `num_buckets`.

    Args:
      ids: int32 or int64 `[batch]`, in `[0, PRIME)`.
      multiplier: in `[1, PRIME)`.
      offset: in `[0, PRIME)`.
      num_buckets: the number of rows, in `[1, PRIME)`.

    Returns:
      int64 `[batch]` in `[0, num_buckets)`.
    """
    ids = tf.cast(ids, tf.int64)
    return (ids * multiplier + offset) % PRIME % num_buckets


class Hashing(Embedding):
    """`e(id) = W[h(id)]` with a table of `num_buckets = ceil(vocabulary_size / ratio)` rows.

    `h` is `hashed_rows` with a multiplier and an offset drawn for each feature, so the pairs that
    collide differ from feature to feature.

    Source: Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning",
    section 2, on the one-hot vector of an id and without the sign hash, as embedding tables use
    it (Shi et al. 2020, section 2).

    Parameters: `ceil(vocabulary_size / compression_ratio) * embedding_dim`.
    """

    Config = HashingConfig

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        config: HashingConfig,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(vocabulary_size, embedding_dim, config, rng)
        self._num_buckets = math.ceil(vocabulary_size / config.compression_ratio)
        self._multiplier = int(rng.integers(1, PRIME))
        self._offset = int(rng.integers(PRIME))
        self.add_table(self._num_buckets, embedding_dim)

    def rows(self, ids: tf.Tensor) -> list[tf.Tensor]:
        """Returns the row that each id hashes to, int64 `[batch]`."""
        return [hashed_rows(ids, self._multiplier, self._offset, self._num_buckets)]

"""The hash functions of the embedding methods."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

# The Mersenne prime 2**31 - 1. For ids, multiplier and offset below it, the product and sum stay
# below 2**62, so int64 arithmetic is exact.
PRIME = 2**31 - 1


@dataclass(frozen=True)
class UniversalHash:
    """`h(id) = ((multiplier * id + offset) mod PRIME) mod num_buckets`.

    The universal hash of Carter and Wegman 1979, "Universal Classes of Hash Functions",
    section 3 (class H1): two ids share a bucket with a chance of about 1 in `num_buckets`.

    Attributes:
      multiplier: in `[1, PRIME)`.
      offset: in `[0, PRIME)`.
      num_buckets: in `[1, PRIME]`.
    """

    multiplier: int
    offset: int
    num_buckets: int

    @classmethod
    def draw(cls, num_buckets: int, rng: np.random.Generator) -> "UniversalHash":
        """Draws a function of the class."""
        return cls(int(rng.integers(1, PRIME)), int(rng.integers(PRIME)), num_buckets)

    def __call__(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns the buckets, int64 of the shape of `ids`, in `[0, num_buckets)`.

        Args:
          ids: int32 or int64, in `[0, PRIME)`.
        """
        ids = tf.cast(ids, tf.int64)
        return (ids * self.multiplier + self.offset) % PRIME % self.num_buckets


def hash_all(functions: Sequence[UniversalHash], ids: tf.Tensor) -> tf.Tensor:
    """Returns the bucket of each id by each function, int64 `[batch, len(functions)]`.

    All functions have the same `num_buckets`.

    Args:
      functions: one or more.
      ids: int32 or int64 `[batch]`, in `[0, PRIME)`.
    """
    multipliers = tf.constant([f.multiplier for f in functions], tf.int64)
    offsets = tf.constant([f.offset for f in functions], tf.int64)
    ids = tf.cast(ids, tf.int64)[:, None]
    return (ids * multipliers + offsets) % PRIME % functions[0].num_buckets

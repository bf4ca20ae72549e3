"""The hash functions of the embedding methods."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from components.trainer.repeated_rows import is_compiled_whole

# The Mersenne prime 2**31 - 1. For ids, multiplier and offset below it, the product and sum stay
# below 2**62, so int64 arithmetic is exact.
_PRIME_BITS = 31
PRIME = 2**_PRIME_BITS - 1


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
        return _buckets(ids * self.multiplier + self.offset, self.num_buckets)


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
    return _buckets(ids * multipliers + offsets, functions[0].num_buckets)


def modulo_prime(values: tf.Tensor) -> tf.Tensor:
    """Returns `values % PRIME` without a division.

    2**31 is 1 modulo PRIME, so the upper bits can be added to the lower ones; after two rounds the
    sum is at most PRIME.

    Args:
      values: int64, in `[0, 2**62)`.
    """
    prime = tf.constant(PRIME, tf.int64)
    for _ in range(2):
        upper = tf.bitwise.right_shift(values, tf.constant(_PRIME_BITS, tf.int64))
        values = tf.bitwise.bitwise_and(values, prime) + upper
    return tf.where(values == prime, tf.zeros_like(values), values)


def _buckets(values: tf.Tensor, num_buckets: int) -> tf.Tensor:
    """`values % PRIME % num_buckets`: int64.

    A TPU has no division of 64-bit integers; each would be hundreds of its instructions.
    """
    if not is_compiled_whole():
        return values % PRIME % num_buckets
    hashed = tf.cast(modulo_prime(values), tf.int32)
    return tf.cast(hashed % tf.constant(num_buckets, tf.int32), tf.int64)

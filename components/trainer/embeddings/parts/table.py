"""What embedding methods ask for: tables, and variables beside them."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf


@dataclass(frozen=True, eq=False)
class Table:
    """A trainable float32 `[num_rows, width]` table that a method asks for.

    It is itself: embeddings that ask for the same object share one table.

    Attributes:
      num_rows: 1 or more.
      width: 1 or more.
      low: the smallest initial value; they are uniform unless `stddev` is given.
      high: the largest.
      seed: of the initial values.
      num_lookups: how many of its rows one id needs.
      has_own_start: whether the method needs just these initial values; else they are a default.
      stddev: above 0, the initial values are normal with this standard deviation.
    """

    num_rows: int
    width: int
    low: float
    high: float
    seed: int
    num_lookups: int = 1
    has_own_start: bool = True
    stddev: float = 0.0

    def initial_values(self) -> tf.Tensor:
        """Returns the rows at the start, float32 `[num_rows, width]`."""
        shape, seed = [self.num_rows, self.width], (self.seed, 0)
        if self.stddev:
            return tf.random.stateless_normal(shape, seed, stddev=self.stddev)
        return tf.random.stateless_uniform(shape, seed, self.low, self.high)


@dataclass(frozen=True, eq=False)
class Array:
    """A variable that a method needs beside its tables: a matrix, an index.

    Attributes:
      name: among those of the embedding.
      shape: of the variable.
      dtype: of the variable.
      initial_values: returns the values at the start.
      trainable: whether every row of the data moves it, as it moves the MLPs; else the method
        itself sets it.
    """

    name: str
    shape: tuple[int, ...]
    dtype: tf.DType
    initial_values: Callable[[], tf.Tensor]
    trainable: bool

    @property
    def num_bytes(self) -> int:
        """The bytes of the values."""
        return math.prod(self.shape) * int(self.dtype.size)

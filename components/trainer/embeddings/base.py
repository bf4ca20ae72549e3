"""What every embedding method is."""

import abc
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import tensorflow as tf
import tf_keras

from schemas.step_config import StepConfig


class MethodConfig(StepConfig):
    """The options of a method; a method without options uses this class."""

    def check_embedding_dim(self, embedding_dim: int) -> None:
        """Refuses a width that does not suit the options; called before any step starts.

        Raises:
          ValueError: by a method that overrides it. The message names the option, the rule and
            what was received.
        """


@dataclass(frozen=True)
class Table:
    """A trainable float32 `[num_rows, width]` table that a method asks for.

    Attributes:
      num_rows: 1 or more.
      width: 1 or more.
      low: the smallest initial value; they are uniform.
      high: the largest.
      seed: of the initial values.
      num_lookups: how many of its rows one id needs.
    """

    num_rows: int
    width: int
    low: float
    high: float
    seed: int
    num_lookups: int = 1

    def initial_values(self) -> tf.Tensor:
        """Returns the rows at the start, float32 `[num_rows, width]`."""
        return tf.random.stateless_uniform(
            [self.num_rows, self.width], (self.seed, 0), self.low, self.high
        )


class Embedding(tf_keras.layers.Layer, abc.ABC):
    """Maps the ids of one categorical feature to vectors, in two halves around the tables.

    `rows` says which rows of its tables an id needs, `combine` makes a vector of them. What lies
    between, the lookup, belongs to `EmbeddingTables`: it keeps the tables of all features together,
    so a batch needs a few large lookups and updates instead of many small ones, whatever the
    methods are. Only looked-up rows can have a gradient: no method can touch a whole table.

    A method is one file in this folder. Its class has the file's name in CamelCase, asks for its
    tables in `__init__` with `add_table`, and may add other variables with Keras's `add_weight`.

    Attributes:
      Config: the class of the method's options; the base has none.
      vocabulary_size: ids lie in `[0, vocabulary_size)`.
      embedding_dim: the width of a vector.
      tables: what was asked for, in order.
    """

    Config: ClassVar[type[MethodConfig]] = MethodConfig

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        config: MethodConfig,
        rng: np.random.Generator,
    ) -> None:
        """Asks for the tables.

        Args:
          vocabulary_size: the number of ids, 1 or more.
          embedding_dim: the width of a vector, 1 or more.
          config: an instance of `Config`.
          rng: the source of all random choices.

        Raises:
          ValueError: if the width does not suit the options.
        """
        super().__init__()
        config.check_embedding_dim(embedding_dim)
        self.vocabulary_size = vocabulary_size
        self.embedding_dim = embedding_dim
        self.options = config
        self.tables: tuple[Table, ...] = ()
        self._rng = rng

    def rows(self, ids: tf.Tensor) -> Sequence[tf.Tensor]:
        """Returns the rows that ids need, int32 or int64.

        For each table `[batch]`, or `[batch, num_lookups]` where that is not 1. Here: the ids, for
        the only table.

        Args:
          ids: int32 or int64 `[batch]`, in `[0, vocabulary_size)`.
        """
        return [ids]

    def combine(self, vectors: Sequence[tf.Tensor], ids: tf.Tensor) -> tf.Tensor:
        """Returns a vector for each id, float32 `[batch, embedding_dim]`.

        Here: the row of the only table.

        Args:
          vectors: the values of `rows(ids)`: float32, one axis `width` more.
          ids: int32 or int64 `[batch]`.
        """
        [vector] = vectors
        return vector

    def add_table(
        self,
        num_rows: int,
        width: int,
        low: float | None = None,
        high: float = 1.0,
        num_lookups: int = 1,
    ) -> None:
        """Asks for one more table.

        Args:
          num_rows: the number of rows.
          width: the width of a row.
          low: the smallest initial value. Left out, the values are uniform in
            `(-1/sqrt(vocabulary_size), 1/sqrt(vocabulary_size))` as in facebookresearch/dlrm.
          high: the largest initial value when `low` is given.
          num_lookups: how many of its rows one id needs.
        """
        if low is None:
            high = 1.0 / math.sqrt(self.vocabulary_size)
            low = -high
        seed = int(self._rng.integers(2**31))
        self.tables += (Table(num_rows, width, low, high, seed, num_lookups),)

    @property
    def num_parameters(self) -> int:
        """The number of trainable values."""
        weights = sum(int(np.prod(variable.shape)) for variable in self.trainable_variables)
        return weights + sum(table.num_rows * table.width for table in self.tables)

    @property
    def embedding_bytes(self) -> int:
        """The bytes of all values that a vector is made of."""
        weights = sum(int(np.prod(v.shape)) * v.dtype.size for v in self.variables)
        return weights + sum(table.num_rows * table.width * 4 for table in self.tables)

"""What every embedding method is."""

import abc
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


class Embedding(tf_keras.layers.Layer, abc.ABC):
    """Maps the ids of one categorical feature to vectors.

    A method is one file in this folder. Its class has the file's name in CamelCase, makes its
    variables in `__init__` with `add_table`, and computes `lookup`. Its gradient must not be
    larger than the batch: gather rows, never touch a whole table.

    Attributes:
      Config: the class of the method's options; the base has none.
      vocabulary_size: ids lie in `[0, vocabulary_size)`.
      embedding_dim: the width of a vector.
    """

    Config: ClassVar[type[MethodConfig]] = MethodConfig

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        config: MethodConfig,
        rng: np.random.Generator,
    ) -> None:
        """Makes the variables.

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
        self._rng = rng

    @abc.abstractmethod
    def lookup(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns float32 `[batch, embedding_dim]` for int32 or int64 `[batch]` ids."""

    def call(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns a vector for each id.

        Args:
          ids: int32 or int64 `[batch]`, in `[0, vocabulary_size)`.

        Returns:
          float32 `[batch, embedding_dim]`.

        Raises:
          ValueError: if `ids` is not rank 1 or not of an integer type.
        """
        if ids.shape.rank != 1 or ids.dtype not in (tf.int32, tf.int64):
            raise ValueError(
                f"ids must be int32 or int64 [batch], received {ids.dtype.name} {ids.shape}"
            )
        return self.lookup(ids)

    def add_table(
        self, name: str, num_rows: int, width: int, low: float | None = None, high: float = 1.0
    ) -> tf.Variable:
        """Makes one trainable float32 `[num_rows, width]` table.

        Args:
          name: of the variable.
          num_rows: the number of rows.
          width: the width of a row.
          low: the smallest initial value. Left out, the values are uniform in
            `(-1/sqrt(vocabulary_size), 1/sqrt(vocabulary_size))` as in facebookresearch/dlrm.
          high: the largest initial value when `low` is given.
        """
        if low is None:
            high = 1.0 / np.sqrt(self.vocabulary_size)
            low = -high
        initializer = tf_keras.initializers.RandomUniform(
            low, high, seed=int(self._rng.integers(2**31))
        )
        return self.add_weight(name=name, shape=(num_rows, width), initializer=initializer)

    @property
    def num_parameters(self) -> int:
        """The number of trainable values."""
        return sum(int(np.prod(variable.shape)) for variable in self.trainable_variables)

    @property
    def embedding_bytes(self) -> int:
        """The bytes of all variables that a lookup needs."""
        return sum(int(np.prod(v.shape)) * v.dtype.size for v in self.variables)

"""Tables that are kept small while they are trained, not only once they are."""

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import tensorflow as tf

from components.errors import InputError
from components.trainer.embeddings.base import Embedding
from components.trainer.storage import Storage

_MANTISSA_BITS = 23  # of float32
_EXPONENT_BIAS = 127  # of float32


class TrainedStorage(Storage):
    """A storage whose arrays are also what is trained: there is no float32 table besides.

    A step reads the rows of the batch as float32, adds to them what the optimizer says, and rounds
    stochastically, so that steps too small for the arrays' resolution count on average. `encode`
    must give back what was decoded: `encode(decode(arrays)) = arrays`, or other arrays of the same
    values.

    Source: Li et al. 2023, "Adaptive Low-Precision Training for Embeddings in Click-Through Rate
    Prediction" (low-precision training); Gupta et al. 2015, "Deep Learning with
    Limited Numerical Precision", section 3 (stochastic rounding).

    Attributes:
      values_name: of the array with a number for each value; it has the trainable parameters.
    """

    values_name: ClassVar[str]

    @abc.abstractmethod
    def round_rows(self, values: tf.Tensor, uniform: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns the arrays' rows that stand for rows of values, rounded at random.

        The mean over all random numbers is the value.

        Args:
          values: float32 `[num_rows, width]`.
          uniform: float32 in `[0, 1)`, shaped like them: the random numbers.
        """


class FloatStorage(TrainedStorage):
    """Floating-point numbers of 16 bits.

    Attributes:
      dtype: their type.
      mantissa_bits: how many bits follow the leading one.
      min_exponent: smaller numbers lie as dense as those from 2 to this power on.
    """

    values_name = "values"
    dtype: ClassVar[tf.DType]
    mantissa_bits: ClassVar[int]
    min_exponent: ClassVar[int]

    def encode(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the nearest numbers."""
        largest = float(self.dtype.max)
        return {"values": np.clip(values, -largest, largest).astype(self.dtype.as_numpy_dtype)}

    def lookup(self, encoded: Mapping[str, tf.Variable], rows: tf.Tensor, width: int) -> tf.Tensor:
        """Returns the rows' values."""
        return tf.cast(tf.gather(encoded["values"], rows), tf.float32)

    def num_bytes(self, num_rows: int, width: int) -> int:
        """Returns `2 * num_rows * width`."""
        return 2 * num_rows * width

    def round_rows(self, values: tf.Tensor, uniform: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns one of the two numbers beside each value."""
        exponents = tf.maximum(floor_log2(values), self.min_exponent)
        spacing = power_of_two(exponents - self.mantissa_bits)
        rounded = spacing * tf.floor(values / spacing + uniform)
        largest = float(self.dtype.max)
        return {"values": tf.cast(tf.clip_by_value(rounded, -largest, largest), self.dtype)}


def trained_storage(embedding: Embedding) -> TrainedStorage | None:
    """Returns how its tables are kept while they are trained; None: as float32."""
    return embedding.storage if isinstance(embedding.storage, TrainedStorage) else None


def check_trained_as_float32(embeddings: Sequence[Embedding]) -> None:
    """Refuses tables that are trained otherwise.

    Raises:
      InputError: the message says which.
    """
    for storage in map(trained_storage, embeddings):
        if storage is not None:
            raise InputError(
                "embedding: expected tables that are trained as float32 on TPUs and on several "
                f"machines, received {type(storage).__name__} tables"
            )


def floor_log2(values: tf.Tensor) -> tf.Tensor:
    """Returns the largest `e` with `2**e <= |value|`, int32; -127 where it is below -126.

    Args:
      values: float32.
    """
    magnitudes = tf.bitcast(tf.abs(values), tf.int32)
    return tf.bitwise.right_shift(magnitudes, _MANTISSA_BITS) - _EXPONENT_BIAS


def power_of_two(exponents: tf.Tensor) -> tf.Tensor:
    """Returns `2**exponent`, float32.

    Args:
      exponents: int32 from -126 to 127.
    """
    bits = tf.bitwise.left_shift(exponents + _EXPONENT_BIAS, _MANTISSA_BITS)
    return tf.bitcast(bits, tf.float32)


@dataclass(frozen=True)
class SmallStack:
    """A stack of tables that are trained as their storage keeps them.

    Attributes:
      rows_only: float32 `[num_rows, 0]`, without a value: what an optimizer is told to update.
      storage: of the tables.
      arrays: what the storage decodes, by name.
      width: of a row.
      seed: of the rounding.
    """

    rows_only: tf.Variable
    storage: TrainedStorage
    arrays: Mapping[str, tf.Variable]
    width: int
    seed: int

    @property
    def shape(self) -> tuple[int, int]:
        """Of the float32 table that it stands for."""
        return self.rows_only.shape[0], self.width

    def add(self, rows: tf.Tensor, steps: tf.Tensor, step: tf.Tensor) -> tf.Operation:
        """Adds to rows.

        The random numbers follow from `seed` and `step`: a training that is taken up again has the
        same.

        Args:
          rows: integers, each at most once.
          steps: float32 `[len(rows), width]`, what is added.
          step: an int64 scalar, the steps before this one.
        """
        seed = tf.stack([tf.constant(self.seed, tf.int64), tf.cast(step, tf.int64)])
        uniform = tf.random.stateless_uniform(tf.shape(steps), seed)
        values = self.storage.lookup(self.arrays, rows, self.width) + steps
        rounded = self.storage.round_rows(values, uniform)
        return tf.group(
            *(
                tf.raw_ops.ResourceScatterUpdate(
                    resource=variable.handle, indices=rows, updates=rounded[name]
                )
                for name, variable in self.arrays.items()
            )
        )

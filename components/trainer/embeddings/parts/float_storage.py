"""Tables of small floating-point numbers, while they are trained and served."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import tensorflow as tf

from components.trainer.embeddings.parts.powers_of_two import floor_log2, power_of_two
from components.trainer.embeddings.parts.trained_storage import TrainedStorage


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

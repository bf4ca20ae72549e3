"""Powers of two by the bits of float32 numbers."""

import tensorflow as tf

_MANTISSA_BITS = 23  # of float32
_EXPONENT_BIAS = 127  # of float32


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

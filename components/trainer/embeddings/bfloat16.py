"""Tables of bfloat16 numbers, while they are trained and served."""

import tensorflow as tf

from components.trainer.embeddings.parts.float_storage import FloatStorage


class Bfloat16(FloatStorage):
    """Values of 8 significant bits in the range of float32, rounded stochastically by each step.

    Rounding moves a value by less than 1/128 of it.

    Source: Zamirai et al. 2020, "Revisiting BFloat16 Training" (stochastic rounding in place of
    float32 weights).

    Bytes: `2 * num_rows * width`, trained and served; optimizer slots stay float32.
    """

    dtype = tf.bfloat16
    mantissa_bits = 7
    min_exponent = -119  # the spacing is a normal float32

"""Tables of float16 numbers, while they are trained and served."""

import tensorflow as tf

from components.trainer.embeddings.parts.float_storage import FloatStorage


class Float16(FloatStorage):
    """Values of 11 significant bits, rounded stochastically by each step.

    Rounding moves a value by less than 1/1024 of it, or by less than `2**-24` if it is smaller than
    `2**-14` = 6.1e-5. Values beyond 65,504 are cut off there.

    Source: Gupta et al. 2015, "Deep Learning with Limited Numerical Precision", section 3
    (stochastic rounding).

    Bytes: `2 * num_rows * width`, trained and served; optimizer slots stay float32.
    """

    dtype = tf.float16
    mantissa_bits = 10
    min_exponent = -14

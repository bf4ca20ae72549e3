"""Tables of 8-bit integers with a power of two for each row, while they are trained and served."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from components.trainer.embeddings.parts.powers_of_two import floor_log2, power_of_two
from components.trainer.embeddings.parts.trained_storage import TrainedStorage

_LARGEST_CODE = 127
_MIN_EXPONENT, _MAX_EXPONENT = -126, 120


class Int8Trained(TrainedStorage):
    """`value = 2**exponent * code` with codes from -127 to 127 and an exponent for each row.

    The exponent is the smallest that lets the codes reach all values of the row; each step that
    sees the row chooses it anew, then rounds stochastically. A row whose exponent stays or falls is
    kept exactly where a step adds nothing, and tables can be copied, saved and served without loss.

    Source: Li et al. 2023, "Adaptive Low-Precision Training for Embeddings in Click-Through Rate
    Prediction" (low-precision training, LPT: stochastic rounding with a step for each row). Their
    ALPT learns the steps, at the price of a second forward and backward pass; here they follow the
    range of the row, as powers of two.

    Bytes: `num_rows * (width + 1)`, trained and served; optimizer slots stay float32.
    """

    values_name = "codes"

    def encode(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """Returns `codes`, int8 `[num_rows, width]`; `exponents`, int8 `[num_rows, 1]`."""
        largest = np.abs(values).max(axis=1, keepdims=True).astype(np.float32)
        mantissas, exponents = np.frexp(largest / np.float32(_LARGEST_CODE))
        # frexp: a mantissa in [0.5, 1); 0.5 is a power of two itself.
        exponents = np.clip(exponents - (mantissas == 0.5), _MIN_EXPONENT, _MAX_EXPONENT)
        codes = np.rint(values / np.exp2(exponents.astype(np.float32)))
        codes = np.clip(codes, -_LARGEST_CODE, _LARGEST_CODE)
        return {"codes": codes.astype(np.int8), "exponents": exponents.astype(np.int8)}

    def lookup(self, encoded: Mapping[str, tf.Variable], rows: tf.Tensor, width: int) -> tf.Tensor:
        """Returns the rows' values."""
        exponents = tf.cast(tf.gather(encoded["exponents"], rows), tf.int32)
        codes = tf.cast(tf.gather(encoded["codes"], rows), tf.float32)
        return power_of_two(exponents) * codes

    def num_bytes(self, num_rows: int, width: int) -> int:
        """Returns `num_rows * (width + 1)`."""
        return num_rows * (width + 1)

    def round_rows(self, values: tf.Tensor, uniform: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns the codes beside each value, and the exponents."""
        scales = tf.reduce_max(tf.abs(values), axis=1, keepdims=True) / _LARGEST_CODE
        exponents = floor_log2(scales)
        is_power = tf.equal(power_of_two(tf.maximum(exponents, _MIN_EXPONENT)), scales)
        exponents += 1 - tf.cast(is_power, tf.int32)
        exponents = tf.clip_by_value(exponents, _MIN_EXPONENT, _MAX_EXPONENT)
        codes = tf.floor(values / power_of_two(exponents) + uniform)
        codes = tf.clip_by_value(codes, -_LARGEST_CODE, _LARGEST_CODE)
        return {"codes": tf.cast(codes, tf.int8), "exponents": tf.cast(exponents, tf.int8)}

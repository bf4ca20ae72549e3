"""Trained tables, kept as 4-bit integers with a scale and an offset for each row."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from components.trainer.embeddings.parts.row_quantization import (
    dequantize,
    lookup,
    quantize,
    scale_bytes,
)
from components.trainer.embeddings.parts.storage import FLOAT32, Storage
from components.trainer.method_config import MethodConfig


class Int4Config(MethodConfig):
    """Options of `Int4`.

    Attributes:
      greedy_search: whether the ends of a row's range are cut off where that lowers the squared
        error of the row. It takes about 65 times as long as encoding without.
    """

    greedy_search: bool = True


class Int4(Storage):
    """`value = offset + scale * code` with the codes 0 to 15 spread over a range of each row.

    Two codes lie in a byte: the first one in its lower half. Without the search, rounding moves a
    value by at most half a scale: about 1/30 of the range of its row.

    Source: Guan et al. 2019, "Post-Training 4-bit Quantization on Embedding Tables", section 3
    (uniform, row-wise, asymmetric) and section 4 (greedy search of the range). Scale and offset are
    bfloat16 where the paper takes float16, whose smallest numbers are too large for tables of many
    rows.

    Bytes: `num_rows * (ceil(width / 2) + 4)`. Rows of one value stay float32, which is smaller.
    """

    Config = Int4Config

    def __init__(self, config: Int4Config) -> None:
        """Takes the options."""
        super().__init__(config)
        self._greedy_search = config.greedy_search

    def encode(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """Returns `codes`, uint8 `[num_rows, ceil(width / 2)]`; `scales`, bfloat16 `[num_rows, 2]`.

        The second column of the latter is the offset.
        """
        num_rows, width = values.shape
        if width == 1:
            return FLOAT32.encode(values)
        codes, scales = quantize(values, num_codes=16, search=self._greedy_search)
        pairs = np.zeros((num_rows, -(-width // 2) * 2), np.uint8)
        pairs[:, :width] = codes
        return {"codes": pairs[:, ::2] | pairs[:, 1::2] << 4, "scales": scales}

    def lookup(self, encoded: Mapping[str, tf.Variable], rows: tf.Tensor, width: int) -> tf.Tensor:
        """Returns the decoded rows."""
        if width == 1:
            return FLOAT32.lookup(encoded, rows, width)
        pairs, scales = lookup(encoded, rows)
        four = tf.constant(4, tf.uint8)
        codes = tf.stack([pairs & 15, tf.bitwise.right_shift(pairs, four)], axis=-1)
        codes = tf.reshape(codes, tf.concat([tf.shape(rows), [-1]], axis=0))[..., :width]
        return dequantize(tf.ensure_shape(codes, [*rows.shape, width]), scales)

    def num_bytes(self, num_rows: int, width: int) -> int:
        """Returns `num_rows * (ceil(width / 2) + 4)`."""
        if width == 1:
            return FLOAT32.num_bytes(num_rows, width)
        return num_rows * -(-width // 2) + scale_bytes(num_rows)

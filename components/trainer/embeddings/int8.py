"""Trained tables, kept as 8-bit integers with a scale and an offset for each row."""

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


class Int8(Storage):
    """`value = offset + scale * code` with the codes 0 to 255 spread over the range of each row.

    Rounding moves a value by at most half a scale: about 1/510 of the range of its row.

    Source: Guan et al. 2019, "Post-Training 4-bit Quantization on Embedding Tables", section 3
    (uniform, row-wise, asymmetric), with 8 bits. Scale and offset are bfloat16 where the paper
    takes float16, whose smallest numbers are too large for tables of many rows.

    Bytes: `num_rows * (width + 4)`. Rows of one value stay float32, which is smaller.
    """

    def encode(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """Returns `codes`, uint8 `[num_rows, width]`; `scales`, bfloat16 `[num_rows, 2]`.

        The second column of the latter is the offset.
        """
        if values.shape[1] == 1:
            return FLOAT32.encode(values)
        codes, scales = quantize(values, num_codes=256)
        return {"codes": codes, "scales": scales}

    def lookup(self, encoded: Mapping[str, tf.Variable], rows: tf.Tensor, width: int) -> tf.Tensor:
        """Returns the decoded rows."""
        if width == 1:
            return FLOAT32.lookup(encoded, rows, width)
        return dequantize(*lookup(encoded, rows))

    def num_bytes(self, num_rows: int, width: int) -> int:
        """Returns `num_rows * (width + 4)`."""
        if width == 1:
            return FLOAT32.num_bytes(num_rows, width)
        return num_rows * width + scale_bytes(num_rows)

"""Trained tables, kept as 8-bit integers with a scale and an offset for each row."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from components.trainer.storage import Storage


class Int8(Storage):
    """`value = offset + scale * code` with the codes 0 to 255 spread over the range of each row.

    Rounding moves a value by at most half a scale: 1/510 of the range of its row.

    Source: Guan et al. 2019, "Post-Training 4-bit Quantization on Embedding Tables", section 3
    (uniform, row-wise, asymmetric), with 8 bits; as in torch.nn.quantized.

    Bytes: `num_rows * (width + 8)`.
    """

    def encode(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """Returns `codes`, uint8 `[num_rows, width]`; `scales`, float32 `[num_rows, 2]`.

        The second column of the latter is the offset.
        """
        low, high = values.min(axis=1, keepdims=True), values.max(axis=1, keepdims=True)
        scale = np.where(high > low, (high - low) / 255, 1).astype(np.float32)
        codes = np.clip(np.rint((values - low) / scale), 0, 255).astype(np.uint8)
        return {"codes": codes, "scales": np.concatenate([scale, low], axis=1)}

    def lookup(self, encoded: Mapping[str, tf.Variable], rows: tf.Tensor, width: int) -> tf.Tensor:
        """Returns the decoded rows."""
        codes = tf.cast(tf.gather(encoded["codes"], rows), tf.float32)
        scales = tf.gather(encoded["scales"], rows)
        return scales[..., 1:] + scales[..., :1] * codes

    def num_bytes(self, num_rows: int, width: int) -> int:
        """Returns `num_rows * (width + 8)`."""
        return num_rows * (width + 8)

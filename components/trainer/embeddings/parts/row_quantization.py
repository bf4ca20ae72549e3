"""Rows of values as small integers, each row with a scale and an offset of its own."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

BFLOAT16 = tf.bfloat16.as_numpy_dtype
_BLOCK_ROWS = 2**15
# Of the range search, the figures of Guan et al. 2019, section 4: steps of 1/200 of the range, and
# no more than 16 % of it is cut off.
_SEARCH_BINS = 200
_SEARCH_STEPS = 32


def scale_bytes(num_rows: int) -> int:
    """Returns the bytes of the scales and offsets of rows: 4 a row."""
    return 4 * num_rows


def quantize(
    values: np.ndarray, num_codes: int, search: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Returns codes, and the scale and offset of each row: `value = offset + scale * code`.

    Both are bfloat16, which has float32's range: small values do not sink to zero as in float16.
    The offset is rounded down and the scale up, so that the codes still span the row; no value is
    cut off, and rounding moves it by at most half a scale.

    Args:
      values: float32 `[num_rows, width]`.
      num_codes: codes are 0 to `num_codes - 1`, at most 256.
      search: whether to cut off the ends of a row's range where that lowers its squared error.

    Returns:
      codes, uint8 `[num_rows, width]`; scales and offsets, bfloat16 `[num_rows, 2]`.
    """
    codes = np.empty(values.shape, np.uint8)
    scales = np.empty((len(values), 2), BFLOAT16)
    for start in range(0, len(values), _BLOCK_ROWS):
        block = values[start : start + _BLOCK_ROWS]
        low, high = block.min(axis=1, keepdims=True), block.max(axis=1, keepdims=True)
        if search:
            low, high = _search_range(block, low, high, num_codes)
        offset = _round_down(low)
        scale = -_round_down(-(high - offset) / np.float32(num_codes - 1))
        codes[start : start + _BLOCK_ROWS] = _encode(block, scale, offset, num_codes)
        scales[start : start + _BLOCK_ROWS] = np.concatenate([scale, offset], axis=1)
    return codes, scales


def dequantize(codes: tf.Tensor, scales: tf.Tensor) -> tf.Tensor:
    """Returns the values, float32.

    Args:
      codes: uint8 `[..., width]`.
      scales: scales and offsets, bfloat16 `[..., 2]`.
    """
    scales = tf.cast(scales, tf.float32)
    return scales[..., 1:] + scales[..., :1] * tf.cast(codes, tf.float32)


def lookup(encoded: Mapping[str, tf.Variable], rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the codes of rows, and their scales and offsets."""
    return tf.gather(encoded["codes"], rows), tf.gather(encoded["scales"], rows)


def _encode(
    values: np.ndarray, scale: np.ndarray, offset: np.ndarray, num_codes: int
) -> np.ndarray:
    """The nearest codes; a row whose scale is 0 is all offset."""
    scaled = (values - offset) / np.where(scale > 0, scale, 1)
    return np.clip(np.rint(scaled), 0, num_codes - 1)


def _round_down(values: np.ndarray) -> np.ndarray:
    """Returns the largest bfloat16 numbers that are not above `values`, as float32."""
    # The upper half of a float32's bits is a bfloat16 nearer to 0.
    towards_zero = (values.astype(np.float32).view(np.uint32) & 0xFFFF0000).view(np.float32)
    away = (towards_zero.view(np.uint32) + np.uint32(0x10000)).view(np.float32)
    return np.where(towards_zero > values, away, towards_zero)


def _search_range(
    values: np.ndarray, low: np.ndarray, high: np.ndarray, num_codes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the range of each row with the least squared error among those that it visits.

    Greedy: step by step, the end is moved in that costs less.
    """
    step = (high - low) / np.float32(_SEARCH_BINS)
    now_low, now_high = low, high
    best_low, best_high, best = low, high, _squared_error(values, low, high, num_codes)
    for _ in range(_SEARCH_STEPS):
        of_low = _squared_error(values, now_low + step, now_high, num_codes)
        of_high = _squared_error(values, now_low, now_high - step, num_codes)
        moves_low = of_low < of_high
        now_low = np.where(moves_low, now_low + step, now_low)
        now_high = np.where(moves_low, now_high, now_high - step)
        error = np.minimum(of_low, of_high)
        is_better = error < best
        best = np.where(is_better, error, best)
        best_low = np.where(is_better, now_low, best_low)
        best_high = np.where(is_better, now_high, best_high)
    return best_low, best_high


def _squared_error(
    values: np.ndarray, low: np.ndarray, high: np.ndarray, num_codes: int
) -> np.ndarray:
    """Of each row, `[num_rows, 1]`, once the codes span `low` to `high`."""
    scale = (high - low) / np.float32(num_codes - 1)
    decoded = low + scale * _encode(values, scale, low, num_codes)
    return np.square(decoded - values).sum(axis=1, keepdims=True)

"""A table of which only the largest values are kept, and any row can be looked up."""

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

_BLOCK_ROWS = 8  # of the table without its empty rows: the bits of a byte
_WORD_ROWS = 64  # of the table: the bits of a word

# Name -> shape and type of what stands for a table.
Arrays = dict[str, tuple[tuple[int, ...], np.dtype]]


@dataclass(frozen=True)
class SparseRows:
    """How the `num_kept` values of largest magnitude of a table are laid out; the others are 0.

    Bits say which values are kept, and counting the bits before one finds its value. Rows without a
    value cost little: bits of their own leave them out of all that follows. Room is made for as
    many rows with a value as there can be, so the bytes depend on three numbers only.

    - `present`, int64: one bit a row, 64 in a word: whether the row has a slot; and for each word
      `first_slots`, the slots before it. Left out where each row has a slot.
    - `masks`, uint8 `[num_blocks, width]`: one bit a value. Byte `d` of a block has the bits of
      dimension `d` in 8 slots. For each block `first_values`: the kept values before it.
    - `values`, float32 `[num_kept]`: by block, in it by dimension, in it by slot.

    A table that would be no smaller so, is kept whole: `values`, float32 `[num_rows, width]`.

    A row of 16 costs 2.5 bytes for its bits and 0.2 for its place; an empty one 0.2.

    Attributes:
      num_rows: of the table, 1 or more.
      width: of a row, 1 or more.
      num_kept: 1 to `num_rows * width`; the latter keeps the table whole.
    """

    num_rows: int
    width: int
    num_kept: int

    @classmethod
    def of_ratio(cls, num_rows: int, width: int, compression_ratio: float) -> "SparseRows":
        """Returns the layout with the most values that makes a float32 table so much smaller.

        Where none does, the smallest.
        """
        whole = cls(num_rows, width, num_rows * width)
        most_bytes = whole.num_bytes / compression_ratio
        if whole.num_bytes <= most_bytes:
            return whole

        def num_bytes(num_kept: int) -> int:
            return cls(num_rows, width, num_kept).num_bytes

        # From `num_rows` values on the bits of the rows are left out.
        for candidates in (range(num_rows, num_rows * width), range(1, num_rows)):
            num_fitting = bisect_right(candidates, most_bytes, key=num_bytes)
            if num_fitting:
                return cls(num_rows, width, candidates[num_fitting - 1])
        smallest = (whole, cls(num_rows, width, num_rows), cls(num_rows, width, 1))
        return min(smallest, key=lambda rows: rows.num_bytes)

    @property
    def arrays(self) -> Arrays:
        """The shapes and types of the arrays."""
        if self.num_kept == self.num_rows * self.width:
            return {"values": ((self.num_rows, self.width), np.dtype(np.float32))}
        num_blocks = math.ceil(self._num_slots / _BLOCK_ROWS)
        arrays: Arrays = {
            "masks": ((num_blocks, self.width), np.dtype(np.uint8)),
            "first_values": ((num_blocks,), _count_type(self.num_kept)),
            "values": ((self.num_kept,), np.dtype(np.float32)),
        }
        if self._num_slots < self.num_rows:
            num_words = math.ceil(self.num_rows / _WORD_ROWS)
            arrays["present"] = ((num_words,), np.dtype(np.int64))
            arrays["first_slots"] = ((num_words,), _count_type(self._num_slots))
        return arrays

    @property
    def num_bytes(self) -> int:
        """The bytes of all arrays."""
        return sum(math.prod(shape) * dtype.itemsize for shape, dtype in self.arrays.values())

    @property
    def _num_slots(self) -> int:
        return min(self.num_rows, self.num_kept)

    def encode(self, values: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the arrays for a table, float32 `[num_rows, width]`."""
        shapes = self.arrays
        if shapes["values"][0] == values.shape:
            return {"values": values}
        is_kept = largest(values, self.num_kept)
        present = np.ones(self.num_rows, bool)
        arrays: dict[str, np.ndarray] = {}
        if "present" in shapes:
            present = is_kept.any(axis=1)
            words = np.zeros((shapes["present"][0][0], _WORD_ROWS), bool)
            words.ravel()[: self.num_rows] = present
            bits = np.packbits(words, axis=1, bitorder="little")
            arrays["present"] = bits.view("<i8")[:, 0].astype(np.int64)
            arrays["first_slots"] = _before(words).astype(shapes["first_slots"][1])
        in_blocks = _in_blocks(is_kept[present], shapes["masks"][0][0])
        arrays["masks"] = np.packbits(in_blocks, axis=2, bitorder="little")[..., 0]
        arrays["first_values"] = _before(in_blocks).astype(shapes["first_values"][1])
        arrays["values"] = _in_blocks(values[present], len(in_blocks))[in_blocks]
        return arrays


def lookup(encoded: Mapping[str, tf.Variable], rows: tf.Tensor) -> tf.Tensor:
    """Returns rows, float32, one axis `width` more than `rows`.

    Args:
      encoded: what `SparseRows.encode` returned, as variables.
      rows: int32 or int64, in `[0, num_rows)`.
    """
    if "masks" not in encoded:
        return tf.gather(encoded["values"], rows)
    slots, is_present = tf.cast(rows, tf.int64), tf.ones_like(rows, tf.bool)
    if "present" in encoded:
        slots, is_present = _find_slots(encoded, slots)
    blocks, bits = slots // _BLOCK_ROWS, tf.cast(slots % _BLOCK_ROWS, tf.uint8)[..., None]
    masks = tf.gather(encoded["masks"], blocks)
    first_values = tf.gather(encoded["first_values"], blocks)[..., None]
    bit = tf.bitwise.left_shift(tf.ones_like(bits), bits)
    is_kept = tf.logical_and(masks & bit > 0, is_present[..., None])
    counts = tf.cast(_count_bits(masks), first_values.dtype)
    in_byte = tf.cast(_count_bits(masks & (bit - 1)), first_values.dtype)
    positions = first_values + tf.cumsum(counts, axis=-1, exclusive=True) + in_byte
    values = tf.gather(encoded["values"], tf.where(is_kept, positions, 0))
    return tf.where(is_kept, values, 0.0)


def largest(values: np.ndarray, num_kept: int) -> np.ndarray:
    """Returns which values are the `num_kept` of largest magnitude, bool of their shape.

    Of equal ones at the border the first are.
    """
    magnitudes = np.abs(values).ravel()
    first = len(magnitudes) - num_kept
    border = np.partition(magnitudes, first)[first]
    is_kept = magnitudes > border
    at_border = np.flatnonzero(magnitudes == border)
    is_kept[at_border[: num_kept - np.count_nonzero(is_kept)]] = True
    return is_kept.reshape(values.shape)


def _find_slots(encoded: Mapping[str, tf.Variable], rows: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The slots of rows, int64, and whether they have one; 0 where not."""
    words, bits = rows // _WORD_ROWS, rows % _WORD_ROWS
    present = tf.gather(encoded["present"], words)
    bit = tf.bitwise.left_shift(tf.ones_like(bits), bits)
    before = tf.cast(_count_bits(tf.bitwise.bitwise_and(present, bit - 1)), tf.int64)
    slots = tf.cast(tf.gather(encoded["first_slots"], words), tf.int64) + before
    is_present = tf.not_equal(tf.bitwise.bitwise_and(present, bit), 0)
    return tf.where(is_present, slots, 0), is_present


def _count_bits(words: tf.Tensor) -> tf.Tensor:
    return tf.raw_ops.PopulationCount(x=words)


def _in_blocks(rows: np.ndarray, num_blocks: int) -> np.ndarray:
    """Rows in slot order, `[num_slots, width]`, as `[num_blocks, width, 8]`, padded with 0."""
    padded = np.zeros((num_blocks * _BLOCK_ROWS, rows.shape[1]), rows.dtype)
    padded[: len(rows)] = rows
    return padded.reshape(num_blocks, _BLOCK_ROWS, -1).swapaxes(1, 2)


def _before(bits: np.ndarray) -> np.ndarray:
    """Of each block or word, how many bits are set before it."""
    counts = bits.reshape(len(bits), -1).sum(axis=1)
    return np.cumsum(counts) - counts


def _count_type(most: int) -> np.dtype:
    return np.dtype(np.int32 if most < 2**31 else np.int64)

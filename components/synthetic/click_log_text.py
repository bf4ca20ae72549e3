"""Drawn rows as raw Criteo text, without a step of Python per row."""

from typing import Any

import numpy as np
import numpy.typing as npt

from components.synthetic.click_log_rows import (
    BLOCK_ROWS,
    INTEGER_SHAPES,
    MISSING_RANK,
    MISSING_VALUE,
    SPELLING_STREAM,
    Rows,
    philox,
)
from schemas.criteo import CATEGORICAL_FEATURES, DENSE_FEATURES

_SLOT_LIMIT = 10_000  # integers that may reach it take two slots of four digits

UInt32 = npt.NDArray[np.uint32]


def category_codes(ranks: UInt32, salt: int) -> UInt32:
    """Returns the 32 bits that a category is written as: distinct for distinct ranks.

    The finalizer of MurmurHash3, a bijection, after an exclusive or with the feature's salt.
    """
    codes = ranks ^ np.uint32(salt)
    codes ^= codes >> np.uint32(16)
    codes *= np.uint32(0x85EBCA6B)
    codes ^= codes >> np.uint32(13)
    codes *= np.uint32(0xC2B2AE35)
    codes ^= codes >> np.uint32(16)
    return codes


def _digit_index(values: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Returns where the digits of each value are in the table; -1, -2 and missing at its end."""
    index = np.where(values < 0, 2 * _SLOT_LIMIT - 1 - values, values)
    index[values == MISSING_VALUE] = 2 * _SLOT_LIMIT + 2
    return index


class RowWriter:
    """Turns rows into raw Criteo text, `BLOCK_ROWS` at a time.

    Each field has a slot of fixed width, filled with NUL where the field is shorter; one pass over
    the block then deletes the NULs.

    Args:
      seed: chooses how the categories are spelled.
    """

    def __init__(self, seed: int):
        salts = (
            philox(seed, SPELLING_STREAM).random_raw(len(CATEGORICAL_FEATURES)).astype(np.uint32)
        )
        self._salts = dict(zip(CATEGORICAL_FEATURES, salts.tolist(), strict=True))
        self._hex = np.array([f"{i:04x}".encode() for i in range(2**16)], dtype="S4").view("<u4")
        # Four digits by index: 0-9999 as they are, then with leading zeros, then -1, -2, empty.
        digits = [str(i) for i in range(10_000)] + [f"{i:04d}" for i in range(10_000)]
        self._digits = np.array([*digits, "-1", "-2", ""], dtype="S4").view("<u4")
        self._text, self._slots = self._empty_block()

    @staticmethod
    def _empty_block() -> tuple[bytearray, npt.NDArray[Any]]:
        fields: list[tuple[str, str]] = [("label", "u1"), ("label_end", "u1")]
        for name in DENSE_FEATURES:
            if INTEGER_SHAPES[name][2] >= _SLOT_LIMIT:
                fields.append((f"{name}_high", "<u4"))
            fields += [(name, "<u4"), (f"{name}_end", "u1")]
        for name in CATEGORICAL_FEATURES:
            fields += [(f"{name}_high", "<u4"), (name, "<u4"), (f"{name}_end", "u1")]
        row = np.dtype(fields)
        text = bytearray(row.itemsize * BLOCK_ROWS)
        slots = np.frombuffer(text, dtype=row)
        for name, _ in fields:
            if name.endswith("_end"):
                slots[name] = ord("\n" if name == f"{CATEGORICAL_FEATURES[-1]}_end" else "\t")
        return text, slots

    def text(self, rows: Rows, labels: npt.NDArray[np.bool_]) -> bytearray:
        """Returns the rows as text, one line each.

        Args:
          rows: `BLOCK_ROWS` rows.
          labels: bool `[BLOCK_ROWS]`.
        """
        slots = self._slots
        slots["label"] = labels + np.uint8(ord("0"))
        for name, values in rows.integers.items():
            if INTEGER_SHAPES[name][2] < _SLOT_LIMIT:
                slots[name] = self._digits.take(_digit_index(values))
            else:
                is_long = values >= _SLOT_LIMIT
                high = np.where(is_long, values // _SLOT_LIMIT, np.int32(MISSING_VALUE))
                low = np.where(is_long, values % _SLOT_LIMIT + _SLOT_LIMIT, values)
                slots[f"{name}_high"] = self._digits.take(_digit_index(high))
                slots[name] = self._digits.take(_digit_index(low))
        for name, ranks in rows.ranks.items():
            codes = category_codes(ranks, self._salts[name])
            high_half = self._hex.take(codes >> np.uint32(16))
            low_half = self._hex.take(codes & np.uint32(0xFFFF))
            missing = ranks == MISSING_RANK
            high_half[missing] = 0
            low_half[missing] = 0
            slots[f"{name}_high"] = high_half
            slots[name] = low_half
        return self._text.translate(None, b"\0")

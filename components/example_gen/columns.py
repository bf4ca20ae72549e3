"""Arrow columns of texts -> typed columns, if all of their values are valid.

The rules are those of `values.py`; a property test holds both to each other.
"""

import math
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.example_gen.values import (
    CONTROL_BYTES,
    FLOAT32_LIMIT,
    FLOAT32_ZERO,
    HEXADECIMAL_BYTES,
    INTEGER_BYTES,
    MAX_HEXADECIMAL_DIGITS,
    NUMBER_BYTES,
    REQUIRED_KINDS,
    Kind,
)
from schemas.click_log import MISSING_INTEGER


class KnownBytes(NamedTuple):
    """What was seen in a block as a whole.

    Attributes:
      are_few: whether its fields have no bytes but hexadecimal digits and minus.
      have_controls: whether a field may hold a control character.
    """

    are_few: bool
    have_controls: bool


class InvalidValueError(ValueError):
    """A column holds a value that breaks a rule."""


def typed_column(
    column: pa.Array, kind: Kind, positive_from: float | None, known: KnownBytes
) -> pa.Array:
    """Returns the values as raw rows have them, null where missing.

    Args:
      column: binary; integers and times may be int64 already.
      kind: what to read it as.
      positive_from: for `"rating"`: the smallest number whose label is 1.
      known: what need not be looked for any more.

    Raises:
      InvalidValueError: if a value breaks the rule of its kind, or a required one is missing.
      pa.ArrowInvalid: if a value is not the number it should be.
    """
    if kind in REQUIRED_KINDS:
        _require(not column.null_count)
    if kind == "label":
        return _labels(column)
    if kind == "rating":
        return pc.greater_equal(_numbers(column, math.inf), positive_from).cast(pa.int64())
    if kind in ("integer", "time"):
        return _integers(column)
    if kind in ("float", "weight"):
        numbers = _numbers(column, FLOAT32_LIMIT)
        _require(kind == "float" or pc.min(numbers).as_py() > FLOAT32_ZERO)
        return numbers.cast(pa.float32(), safe=False)
    lengths = pc.min_max(pc.binary_length(column)).as_py()
    _require(lengths["min"] != 0)
    if kind == "hexadecimal":
        _require((lengths["max"] or 0) <= MAX_HEXADECIMAL_DIGITS)
        if known.are_few:
            _require(not (value_bytes(column) == ord("-")).any())
        else:
            _require_bytes(column, HEXADECIMAL_BYTES)
    elif known.have_controls:
        values = value_bytes(column).tobytes()
        _require(len(values.translate(None, CONTROL_BYTES)) == len(values))
    return column


def _labels(column: pa.Array) -> pa.Array:
    _require(pc.min(pc.binary_length(column)).as_py() != 0)
    digits = value_bytes(column)
    # No value is empty, so as many bytes as values means one byte each.
    _require(len(digits) == len(column) and bool(np.isin(digits, (ord("0"), ord("1"))).all()))
    return pa.array((digits - ord("0")).astype(np.int64))


def _integers(column: pa.Array) -> pa.Array:
    if not pa.types.is_integer(column.type):
        _require_bytes(column, INTEGER_BYTES)
        column = column.view(pa.string()).cast(pa.int64())
    smallest = pc.min(column).as_py()
    _require(smallest is None or smallest > MISSING_INTEGER)
    return column


def value_bytes(column: pa.Array) -> np.ndarray:
    """Returns the bytes of all values of a binary column, one after the other, uint8."""
    _, offsets, values = column.buffers()
    if not len(column) or values is None:
        return np.empty(0, np.uint8)
    ends = np.frombuffer(offsets, np.int32)[[column.offset, column.offset + len(column)]]
    return np.frombuffer(values, np.uint8)[ends[0] : ends[1]]


def _numbers(column: pa.Array, limit: float) -> pa.Array:
    """Returns the float64 values of a binary column with magnitudes below the limit."""
    _require_bytes(column, NUMBER_BYTES)
    numbers = column.view(pa.string()).cast(pa.float64())
    largest = pc.max(pc.abs(numbers)).as_py()
    _require(largest is None or largest < limit)
    return numbers


def _require_bytes(column: pa.Array, allowed: bytes) -> None:
    _require(not value_bytes(column).tobytes().translate(None, allowed))


def _require(condition: bool) -> None:
    if not condition:
        raise InvalidValueError

"""Columns of Parquet files -> typed columns and the rows whose values are valid.

A value counts as its text: an integer in decimal (a boolean is 0 or 1, a time or date its
microseconds since 1970), any other number as the shortest text that gives the same float64. So
`missing_values` and the rules of `values.py` mean the same as in a log of lines. NaN is missing, as
null is: pandas writes either.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.errors import InputError
from components.example_gen.columns import value_bytes
from components.example_gen.layout import column_kinds
from components.example_gen.values import (
    CONTROL_BYTES,
    FLOAT32_LIMIT,
    FLOAT32_ZERO,
    HEXADECIMAL_BYTES,
    LABEL_KINDS,
    MAX_HEXADECIMAL_DIGITS,
    REQUIRED_KINDS,
    Kind,
)
from schemas.click_log import MISSING_INTEGER, ClickLog

_IS_CONTROL = np.isin(np.arange(256), list(CONTROL_BYTES))
_IS_NOT_HEXADECIMAL = ~np.isin(np.arange(256), list(HEXADECIMAL_BYTES))


def _is_whole(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_boolean(kind)


def _is_number(kind: pa.DataType) -> bool:
    is_floating = pa.types.is_float32(kind) or pa.types.is_float64(kind)
    return _is_whole(kind) or is_floating or pa.types.is_decimal(kind)


def _is_time(kind: pa.DataType) -> bool:
    is_date = pa.types.is_date(kind) or pa.types.is_timestamp(kind)
    return pa.types.is_integer(kind) or is_date


def _is_bytes(kind: pa.DataType) -> bool:
    is_string = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return is_string or pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _is_category(kind: pa.DataType) -> bool:
    return _is_bytes(kind) or _is_whole(kind)


_EXPECTED: dict[Kind, tuple[str, Callable[[pa.DataType], bool]]] = {
    "label": ("integers or booleans (or set the label's positive_from)", _is_whole),
    "rating": ("numbers", _is_number),
    "weight": ("numbers", _is_number),
    "time": ("integers, timestamps or dates", _is_time),
    "integer": ("integers", _is_whole),
    "float": ("numbers", _is_number),
    "hexadecimal": ("strings", _is_bytes),
    "text": ("strings or integers", _is_category),
}


def check_types(path: str, schema: pa.Schema, click_log: ClickLog) -> None:
    """Checks the types of the used columns.

    A feature without any value may have the type null.

    Raises:
      InputError: if a column has another type than its role needs.
    """
    for name, kind in column_kinds(click_log):
        found = schema.field(name).type
        stored = found.value_type if pa.types.is_dictionary(found) else found
        meaning, is_expected = _EXPECTED[kind]
        is_absent = pa.types.is_null(stored) and kind not in REQUIRED_KINDS
        if not is_expected(stored) and not is_absent:
            raise InputError(f"{path}: column {name!r}: expected {meaning}, received {found}")


def plain_column(column: pa.Array) -> pa.Array:
    """Returns the column as integers, float64 or binary.

    Args:
      column: of a type that `check_types` lets through.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if pa.types.is_integer(kind):
        return column
    if pa.types.is_boolean(kind):
        return column.cast(pa.int8())
    if _is_time(kind):
        # One unit for all: files of one log may differ in theirs.
        unit = pa.timestamp("us", getattr(kind, "tz", None))
        return column.cast(unit, safe=False).cast(pa.int64())
    if _is_number(kind):
        numbers = column.cast(pa.float64(), safe=False)
        return pc.if_else(pc.is_nan(numbers), pa.scalar(None, pa.float64()), numbers)
    # A cast of strings to binary looks at no byte; UTF-8 is checked later.
    return column.cast(pa.binary(), safe=False)


def value_texts(column: pa.Array) -> pa.Array:
    """Returns the texts of a plain column, binary, null where it has null."""
    is_binary = pa.types.is_binary(column.type)
    return column if is_binary else column.cast(pa.string()).cast(pa.binary())


class TypedColumn(NamedTuple):
    """What a kind makes of a column.

    Attributes:
      values: as raw rows have them, null where missing.
      is_valid: bool `[num_rows]`: whether the value, or its absence, is valid.
    """

    values: pa.Array
    is_valid: np.ndarray


def typed_column(
    values: pa.Array, texts: pa.Array, kind: Kind, missing: pa.Array, positive_from: float | None
) -> TypedColumn:
    """Turns a column into what raw rows have.

    Args:
      values: a plain column of a type that `check_types` lets through.
      texts: its texts.
      kind: what to read it as.
      missing: binary: the texts that stand for a missing value, of other kinds than labels.
      positive_from: for `"rating"`.
    """
    is_category = kind in ("hexadecimal", "text")
    if is_category:
        values = texts
    elif pa.types.is_binary(values.type):
        values = pa.nulls(len(values), pa.int64())  # A feature without any value.
    if kind not in LABEL_KINDS and len(missing):
        is_missing = pc.is_in(texts, value_set=missing)
        values = pc.if_else(is_missing, pa.scalar(None, values.type), values)
    is_null = values.is_null().to_numpy(zero_copy_only=False)
    if is_category:
        is_bad = _is_bad_hexadecimal(values) if kind == "hexadecimal" else _is_bad_text(values)
        return TypedColumn(values, is_null | ~is_bad)
    values, is_good = _to_number(values, kind, positive_from)
    is_good = pc.fill_null(is_good, kind not in REQUIRED_KINDS)
    return TypedColumn(values, is_good.to_numpy(zero_copy_only=False))


def _to_number(
    values: pa.Array, kind: Kind, positive_from: float | None
) -> tuple[pa.Array, pa.Array]:
    """Returns the numbers, and which are valid, null where missing."""
    if kind == "label":
        is_good = pc.is_in(values, value_set=pa.array([0, 1], values.type))
        return values.cast(pa.int64(), safe=False), is_good
    if kind in ("integer", "time"):
        numbers = values.cast(pa.int64(), safe=False)
        # An unsigned number beyond int64 has become a negative one.
        smallest = 0 if pa.types.is_uint64(values.type) else MISSING_INTEGER + 1
        return numbers, pc.greater_equal(numbers, smallest)
    numbers = values.cast(pa.float64(), safe=False)
    if kind in ("float", "weight"):
        is_good = pc.less(pc.abs(numbers), FLOAT32_LIMIT)
        if kind == "weight":
            is_good = pc.and_(is_good, pc.greater(numbers, FLOAT32_ZERO))
        return numbers.cast(pa.float32(), safe=False), is_good
    return pc.greater_equal(numbers, positive_from).cast(pa.int64()), pc.is_finite(numbers)


def _is_bad_hexadecimal(column: pa.Array) -> np.ndarray:
    lengths = pc.fill_null(pc.binary_length(column), 0).to_numpy()
    is_bad_length = (lengths == 0) | (lengths > MAX_HEXADECIMAL_DIGITS)
    return is_bad_length | _has_byte(column, _IS_NOT_HEXADECIMAL)


def _is_bad_text(column: pa.Array) -> np.ndarray:
    lengths = pc.fill_null(pc.binary_length(column), 0).to_numpy()
    is_bad = (lengths == 0) | _has_byte(column, _IS_CONTROL)
    try:
        column.cast(pa.string())
    except pa.ArrowInvalid:
        is_bad |= np.array([not _is_utf8(value) for value in column.to_pylist()], bool)
    return is_bad


def _has_byte(column: pa.Array, is_wanted: np.ndarray) -> np.ndarray:
    """Returns bool `[num_rows]`: whether the value has a byte of which `[256]` says so."""
    places = np.flatnonzero(is_wanted[value_bytes(column)])
    found = np.zeros(len(column), bool)
    if len(places):
        offsets = np.frombuffer(column.buffers()[1], np.int32)
        ends = offsets[column.offset + 1 : column.offset + len(column) + 1]
        found[np.searchsorted(ends - offsets[column.offset], places, side="right")] = True
    return found


def _is_utf8(value: bytes | None) -> bool:
    try:
        (value or b"").decode()
    except UnicodeDecodeError:
        return False
    return True

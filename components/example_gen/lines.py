"""What a valid line is: the definition that the columnar decoder must agree with."""

import re
from typing import NamedTuple

from schemas.criteo import CATEGORICAL_FEATURES, DENSE_FEATURES, LABEL, MISSING_INTEGER, RAW_COLUMNS

MAX_LINE_BYTES = 64 * 1024
MAX_CATEGORY_DIGITS = 16
_MAX_SHOWN_CHARACTERS = 40

_INTEGER = re.compile(rb"-?[0-9]+")
_HEXADECIMAL = re.compile(rb"[0-9a-fA-F]+")
# Most lines of a block with a bad line are good: one match accepts them. A line that it does not
# match may still be valid (an integer with 19 digits) and is looked at field by field.
_SURELY_VALID = re.compile(rb"[01](?:\t(?:-?[0-9]{1,18})?){13}(?:\t[0-9a-fA-F]{0,16}){26}")


class Rejection(NamedTuple):
    """Why a line is not a row.

    Attributes:
      kind: the broken rule, without the received value; there are few of them, to be counted.
      reason: the broken rule and what was received.
    """

    kind: str
    reason: str


def check_line(line: bytes) -> Rejection | None:
    r"""Returns why a line is rejected, or None if it is a valid row.

    A valid row has 40 tab-separated columns: a label, `0` or `1`; 13 integers, empty or decimal
    with an optional minus, above -2**63 (which stands for "missing" in dense tensors) and below
    2**63; 26 categories, empty or 1 to 16 hexadecimal digits.

    Args:
      line: the raw bytes without the line end.
    """
    if len(line) <= MAX_LINE_BYTES and _SURELY_VALID.fullmatch(line):
        return None
    if len(line) > MAX_LINE_BYTES:
        reason = f"longer than {MAX_LINE_BYTES:,} bytes"
        return Rejection(reason, reason)
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return Rejection("not valid UTF-8", f"not valid UTF-8 at byte {error.start + 1}")
    fields = line.split(b"\t")
    if len(fields) != len(RAW_COLUMNS):
        reason = f"expected {len(RAW_COLUMNS)}"
        columns = "1 column" if len(fields) == 1 else f"{len(fields)} columns"
        return Rejection(f"number of columns, {reason}", f"{columns}, {reason}")
    return _check_fields(dict(zip(RAW_COLUMNS, fields, strict=True)))


def _check_fields(fields: dict[str, bytes]) -> Rejection | None:
    if fields[LABEL] not in (b"0", b"1"):
        return _rejection(LABEL, fields[LABEL], ", expected 0 or 1")
    for name in DENSE_FEATURES:
        value = fields[name]
        if value and not _INTEGER.fullmatch(value):
            return _rejection(name, value, " is not an integer")
        if value and not _fits(value):
            return _rejection(name, value, " does not fit in int64")
    for name in CATEGORICAL_FEATURES:
        value = fields[name]
        if value and not _HEXADECIMAL.fullmatch(value):
            return _rejection(name, value, " is not hexadecimal")
        if len(value) > MAX_CATEGORY_DIGITS:
            rule = f"digits, at most {MAX_CATEGORY_DIGITS}"
            return Rejection(f"{name}: number of {rule}", f"{name} has {len(value)} {rule}")
    return None


def _fits(value: bytes) -> bool:
    # The range has as many values on both sides of zero, so the sign plays no part. int() sees at
    # most 19 digits: its time grows with their square, and it refuses more than 4,300.
    digits = value.lstrip(b"-").lstrip(b"0")
    return len(digits) <= 19 and int(digits or b"0") < -MISSING_INTEGER


def _rejection(name: str, value: bytes, rule: str) -> Rejection:
    text = value.decode()
    if len(text) > _MAX_SHOWN_CHARACTERS:
        text = f"{text[:_MAX_SHOWN_CHARACTERS]}..."
    return Rejection(f"{name}{rule}", f"{name} {text!r}{rule}")

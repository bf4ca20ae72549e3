"""What a valid value of a column is, one at a time: the rules that the columnar decoders obey."""

import re
from collections.abc import Callable
from typing import Literal, NamedTuple

from schemas.click_log import MISSING_INTEGER

# What a column is read as. A rating is a label that counts from some value on.
Kind = Literal["label", "rating", "weight", "time", "integer", "float", "hexadecimal", "text"]
LABEL_KINDS: frozenset[Kind] = frozenset({"label", "rating"})
# A row without one of these is none.
REQUIRED_KINDS: frozenset[Kind] = LABEL_KINDS | {"weight", "time"}

MAX_HEXADECIMAL_DIGITS = 16
# The halfway point between the largest float32 and the power of two after it: smaller magnitudes
# round to a finite float32.
FLOAT32_LIMIT = 2.0**128 - 2.0**103
# Half of the smallest positive float32: this and smaller numbers round to 0.
FLOAT32_ZERO = 2.0**-150
INTEGER_BYTES = b"0123456789-"
NUMBER_BYTES = b"0123456789-+.eE"
HEXADECIMAL_BYTES = b"0123456789abcdefABCDEF"
CONTROL_BYTES = bytes([*range(0x20), 0x7F])

_MAX_SHOWN_CHARACTERS = 40
_INTEGER = re.compile(rb"-?[0-9]+")
_NUMBER = re.compile(rb"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_HEXADECIMAL = re.compile(rb"[0-9a-fA-F]+")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")


class Rejection(NamedTuple):
    """Why a line is not a row.

    Attributes:
      kind: the broken rule, without the received value; there are few of them, to be counted.
      reason: the broken rule and what was received.
    """

    kind: str
    reason: str


def check_label(name: str, value: bytes) -> Rejection | None:
    """Accepts the one byte `0` or `1`."""
    return None if value in (b"0", b"1") else reject(name, value, ", expected 0 or 1")


def check_rating(name: str, value: bytes) -> Rejection | None:
    """Accepts decimal numbers that are finite as float64, for labels with `positive_from`."""
    return _check_number(name, value, float("inf"), "is not finite")


def check_weight(name: str, value: bytes) -> Rejection | None:
    """Accepts decimal numbers that are finite and above 0 as float32."""
    if rejection := check_float(name, value):
        return rejection
    return None if float(value) > FLOAT32_ZERO else reject(name, value, " is not above 0")


def check_integer(name: str, value: bytes) -> Rejection | None:
    """Accepts decimal digits with an optional minus, above -2**63 and below 2**63.

    -2**63 itself stands for "missing" in dense tensors.
    """
    if not _INTEGER.fullmatch(value):
        return reject(name, value, " is not an integer")
    # The range has as many values on both sides of zero, so the sign plays no part. int() sees at
    # most 19 digits: its time grows with their square, and it refuses more than 4,300.
    digits = value.lstrip(b"-").lstrip(b"0")
    if len(digits) > 19 or int(digits or b"0") >= -MISSING_INTEGER:
        return reject(name, value, " does not fit in int64")
    return None


def check_float(name: str, value: bytes) -> Rejection | None:
    """Accepts decimal numbers, with an exponent or without, that are finite as float32."""
    return _check_number(name, value, FLOAT32_LIMIT, "does not fit in float32")


def check_hexadecimal(name: str, value: bytes) -> Rejection | None:
    """Accepts 1 to 16 hexadecimal digits."""
    if not _HEXADECIMAL.fullmatch(value):
        return reject(name, value, " is not hexadecimal")
    if len(value) > MAX_HEXADECIMAL_DIGITS:
        rule = f"digits, at most {MAX_HEXADECIMAL_DIGITS}"
        return Rejection(f"{name}: number of {rule}", f"{name} has {len(value)} {rule}")
    return None


def check_text(name: str, value: bytes) -> Rejection | None:
    """Accepts UTF-8 of at least one character and without control characters."""
    if not value:
        return reject(name, value, " is empty, which `missing_values` does not list")
    if _CONTROL.search(value):
        return reject(name, value, " has a control character")
    try:
        value.decode()
    except UnicodeDecodeError:
        return reject(name, value, " is not valid UTF-8")
    return None


def reject(name: str, value: bytes, rule: str) -> Rejection:
    """Makes a rejection that shows the start of the value."""
    text = value.decode(errors="backslashreplace")
    if len(text) > _MAX_SHOWN_CHARACTERS:
        text = f"{text[:_MAX_SHOWN_CHARACTERS]}..."
    return Rejection(f"{name}{rule}", f"{name} {text!r}{rule}")


def _check_number(name: str, value: bytes, limit: float, rule: str) -> Rejection | None:
    if not _NUMBER.fullmatch(value):
        return reject(name, value, " is not a number")
    return None if abs(float(value)) < limit else reject(name, value, f" {rule}")


CHECKS: dict[Kind, Callable[[str, bytes], Rejection | None]] = {
    "label": check_label,
    "rating": check_rating,
    "weight": check_weight,
    "time": check_integer,
    "integer": check_integer,
    "float": check_float,
    "hexadecimal": check_hexadecimal,
    "text": check_text,
}

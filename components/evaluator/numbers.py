"""How numbers look to people: in sentences, in tables, in the page and in the terminal alike."""

import math
from decimal import Decimal

from components.evaluator.measures import Measure
from components.evaluator.metric_result import Estimate
from components.quantities import bytes_text, significant

MISSING = "–"


def half_width(estimate: Estimate) -> float:
    """Returns half the width of the interval."""
    return (estimate.high - estimate.low) / 2


def digits(estimate: Estimate) -> int:
    """Returns how many decimals to show: 4, or up to 6 if the interval needs them for a digit."""
    half = half_width(estimate)
    if half <= 0:
        return 4
    return min(6, max(4, math.ceil(-math.log10(half / 2))))


def signed(value: float, places: int) -> str:
    """Returns a number with its sign; `+0.0000`, never `-0.0000`."""
    text = f"{value:+.{places}f}"
    return text if float(text) else f"{0:+.{places}f}"


def fixed(value: float, places: int) -> str:
    """Returns a number without a plus; `0.0000`, never `-0.0000`."""
    text = f"{value:.{places}f}"
    return text if float(text) else f"{0:.{places}f}"


def value_text(estimate: Estimate) -> str:
    """Returns `0.7966 ±0.0061`: the value and half the width of its interval.

    Without a width there is no interval, as of a precision where no click is predicted.
    """
    places = digits(estimate)
    if not half_width(estimate):
        return fixed(estimate.value, places)
    return f"{fixed(estimate.value, places)} ±{half_width(estimate):.{places}f}"


def difference_text(estimate: Estimate) -> str:
    """Returns `-0.0009 ±0.0011`: the same with a sign."""
    places = digits(estimate)
    return f"{signed(estimate.value, places)} ±{half_width(estimate):.{places}f}"


def interval_text(estimate: Estimate) -> str:
    """Returns `-0.0020 to +0.0002`."""
    places = digits(estimate)
    return f"{signed(estimate.low, places)} to {signed(estimate.high, places)}"


def p_value_text(p_value: float | None) -> str:
    """Returns `0.32`, `0.004` or `<0.001`."""
    if p_value is None:
        return MISSING
    if p_value < 0.001:
        return "<0.001"
    return f"{p_value:.3f}" if p_value < 0.0995 else f"{p_value:.2f}"


def rows_text(num_rows: int) -> str:
    """Returns an estimated number of rows, `140,000`: more than two digits would be made up."""
    return f"{int(float(f'{num_rows:.2g}')):,}"


def measured_text(measure: Measure, value: float | None) -> str:
    """Returns a metric's value or a cost with its unit; `–` where it is missing."""
    if value is None:
        return MISSING
    if measure.unit == "bytes":
        return bytes_text(value)
    if measure.unit == "/s":
        return f"{value:,.0f} rows/s"
    if measure.unit in ("s", "ms"):
        return f"{significant(value)} {measure.unit}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 0.00005 or not value:
        return fixed(value, 4)
    return format(Decimal(f"{value:.1g}"), "f")


def range_text(low: float | None, high: float | None, unit: str) -> str:
    """Returns `0.520 to 0.610 ms`, `0.520 ms or more` or nothing, by which ends are known."""
    if low is None or high is None:
        return "" if low is None else f"{significant(low)} {unit} or more"
    return f"{significant(low)} to {significant(high)} {unit}"


def size_change(size: float | None, reference: float | None) -> tuple[str, str] | None:
    """Returns how many times smaller or larger a size is: `("5.0x", "larger")`.

    Args:
      size: bytes.
      reference: the bytes it is compared with.

    Returns:
      the factor and the word; None where one of the two is missing or 0, or both look equal.
    """
    if not size or not reference:
        return None
    ratio = max(size, reference) / min(size, reference)
    if ratio < 1.05:
        return None
    text = f"{ratio:.1f}x" if ratio < 100 else f"{ratio:,.0f}x"
    return text, "smaller" if size < reference else "larger"


def percent(confidence: float) -> str:
    """Returns `95 %`."""
    return f"{100 * confidence:g} %"

"""How numbers look: in the page, in Markdown and in the terminal alike."""

import math
from decimal import Decimal

from components.evaluator.comparison import Comparison, Estimate, VariantResult
from components.evaluator.measures import Measure

MISSING = "–"
_UNITS = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


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
    """Returns `0.7966 ±0.0061`: the value and half the width of its interval."""
    places = digits(estimate)
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


def bytes_text(value: float, largest: float | None = None) -> str:
    """Returns `1.84 MB`; units are powers of 1,000.

    Args:
      value: bytes.
      largest: of the numbers that stand together; its unit serves all of them.
    """
    for unit, size in _UNITS:
        if max(value, largest or 0) >= size:
            places = 2 if not value or value >= 0.095 * size else 3
            return f"{value / size:,.{places}f} {unit}"
    return f"{value:,.0f} B"


def measured_text(measure: Measure, value: float | None) -> str:
    """Returns a metric's value or a cost with its unit; `–` where it is missing."""
    if value is None:
        return MISSING
    if measure.unit == "bytes":
        return bytes_text(value)
    if measure.unit == "/s":
        return f"{value:,.0f} /s"
    if measure.unit == "ms":
        return f"{value:,.2f} ms" if value < 100 else f"{value:,.0f} ms"
    if measure.unit == "s":
        return f"{value:,.1f} s"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 0.00005 or not value:
        return fixed(value, 4)
    return format(Decimal(f"{value:.1g}"), "f")


def ratio_text(numerator: float | None, denominator: float | None) -> str:
    """Returns `10.0x`; `–` where one of the two is missing or 0."""
    if not numerator or not denominator:
        return MISSING
    ratio = numerator / denominator
    return f"{ratio:.1f}x" if ratio < 100 else f"{ratio:,.0f}x"


def size_change(size: float | None, reference: float | None) -> tuple[str, str] | None:
    """Returns how many times smaller or larger a size is: `("5.0x", "larger")`.

    Args:
      size: bytes.
      reference: the bytes it is compared with.

    Returns:
      the factor and the word; None where one of the two is missing or 0, or both are equal.
    """
    if not size or not reference or size == reference:
        return None
    if size < reference:
        return ratio_text(reference, size), "smaller"
    return ratio_text(size, reference), "larger"


def is_clear(comparison: Comparison, result: VariantResult, metric: str) -> bool:
    """Whether a variant differs from the baseline in a metric, all variants considered (Holm)."""
    found = result.metrics.get(metric)
    p_value = found.adjusted_p_value if found else None
    return p_value is not None and p_value < 1 - comparison.confidence


def percent(confidence: float) -> str:
    """Returns `95 %`."""
    return f"{100 * confidence:g} %"

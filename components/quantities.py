"""How sizes, durations and counts look to people."""

import math

_BYTES = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3))
_SECONDS = (("s", 1.0), ("ms", 1e-3), ("us", 1e-6))


def significant(value: float) -> str:
    """Returns three significant digits, or all before the point: `0.546`, `10.0`, `1,234`."""
    rounded = float(f"{value:.3g}")
    places = 2 - math.floor(math.log10(abs(rounded))) if rounded else 0
    return f"{value:,.{max(0, places)}f}"


def bytes_text(value: float) -> str:
    """Returns `1.84 MB`; units are powers of 1,000."""
    for unit, size in _BYTES:
        if float(f"{value:.3g}") >= size:
            return f"{significant(value / size)} {unit}"
    return f"{value:,.0f} B"


def seconds_text(seconds: float) -> str:
    """Returns `1.20 ms`."""
    for unit, size in _SECONDS:
        if seconds >= size:
            return f"{significant(seconds / size)} {unit}"
    return f"{significant(seconds / 1e-6)} us"


def times_text(count: int) -> str:
    """Returns `once`, `twice` or `3 times`."""
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")

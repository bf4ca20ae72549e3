"""How durations and counts look to people here."""

from components.evaluator.numbers import significant

_UNITS = (("s", 1.0), ("ms", 1e-3), ("us", 1e-6))


def seconds_text(seconds: float) -> str:
    """Returns `1.20 ms`."""
    for unit, size in _UNITS:
        if seconds >= size:
            return f"{significant(seconds / size)} {unit}"
    return f"{significant(seconds / 1e-6)} us"


def times_text(count: int) -> str:
    """Returns `once`, `twice` or `3 times`."""
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")

"""The end of a log, which may still be written."""

from pathlib import Path

_MAX_BYTES = 100_000


def log_tail(log: Path) -> str:
    """Returns the last 100 kB of a log as text; empty if it is not there."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _MAX_BYTES))
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""

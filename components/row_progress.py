"""The progress of a Beam step that several threads of a process work on."""

import threading

from apache_beam.utils.shared import Shared

from components.progress import report


class _Counter:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._num_rows = 0

    def add(self, num_rows: int) -> int:
        with self._lock:
            self._num_rows += num_rows
            return self._num_rows


class RowProgress:
    """Counts the rows of all copies of a `DoFn` in a process, and reports their sum.

    A `DoFn` makes it in its constructor: copies know each other by what was pickled.
    """

    def __init__(self, text: str = "") -> None:
        """Starts at 0.

        Args:
          text: stands before the number, for example `"vocabulary: "`.
        """
        self._text = text
        self._shared = Shared()
        self._counter: _Counter | None = None

    def add(self, num_rows: int) -> None:
        """Adds rows that are done."""
        if self._counter is None:
            self._counter = self._shared.acquire(_Counter)
        report(f"{self._text}{self._counter.add(num_rows):,} rows")

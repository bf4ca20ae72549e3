"""What a person sees of a run: one line a step, progress inside the long ones."""

import logging
import os
import shutil
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TextIO

from components.progress import PROGRESS_LOGGER

_REDRAW_SECONDS = 0.5
_HEARTBEAT_SECONDS = 20.0
# Libraries that print on their own; an empty handler list makes them leave it to the root logger.
_LOGGERS_WITH_HANDLERS = ("absl", "tensorflow")
_STDERR = 2  # the file descriptor
_CLEAR_LINE = "\r\x1b[2K"


def log_to_file(path: Path) -> None:
    """Sends all log records and warnings of this process to a file and none to the terminal."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    for other in list(root.handlers):
        root.removeHandler(other)
        other.close()
    root.addHandler(handler)
    for name in _LOGGERS_WITH_HANDLERS:
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    root.setLevel(logging.INFO)
    warnings.simplefilter("default")


@contextmanager
def native_errors_to_file(path: Path) -> Iterator[None]:
    """Sends what libraries in C++ write to the standard error to the end of a file meanwhile."""
    sys.stderr.flush()
    terminal = os.dup(_STDERR)
    with path.open("ab") as file:
        os.dup2(file.fileno(), _STDERR)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(terminal, _STDERR)
        os.close(terminal)


class Console(logging.Handler):
    """Shows the running step, its elapsed time and its latest progress message.

    On a terminal the last line is redrawn; elsewhere a line appears when a step ends and now and
    then while it runs. Use it as a context manager, so that its clock stops.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        """Makes a console on a text stream; None is the standard output."""
        super().__init__(logging.INFO)
        self._stream = stream or sys.stdout
        self._redraws = self._stream.isatty()
        self._title = ""
        self._message = ""
        self._started = 0.0
        self._drawn = 0.0
        self._stop = threading.Event()
        self._clock = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> "Console":
        """Starts listening to progress reports."""
        logger = logging.getLogger(PROGRESS_LOGGER)
        logger.setLevel(logging.INFO)
        logger.addHandler(self)
        self._clock.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stops listening and leaves the cursor on a fresh line."""
        self._stop.set()
        self._clock.join()
        logging.getLogger(PROGRESS_LOGGER).removeHandler(self)
        self._clear()

    def say(self, text: str) -> None:
        """Prints lines above the running step."""
        with self.lock:  # type: ignore[union-attr]
            self._clear()
            self._stream.write(f"{text}\n")
            self._stream.flush()

    def start_step(self, title: str) -> None:
        """Begins a step; its clock starts now."""
        with self.lock:  # type: ignore[union-attr]
            self._title, self._message = title, ""
            self._started = self._drawn = time.monotonic()
            self._draw()

    def end_step(self, outcome: str = "") -> None:
        """Ends the step with one lasting line: its time, and the outcome or the last message."""
        seconds = time.monotonic() - self._started
        line = f"{self._title} {seconds:7.1f} s  {outcome or self._message}".rstrip()
        self._title = ""
        self.say(line)

    def emit(self, record: logging.LogRecord) -> None:
        """Takes a progress report (called by `logging`, which holds the lock)."""
        self._message = record.getMessage()
        if self._redraws and time.monotonic() - self._drawn > _REDRAW_SECONDS:
            self._draw()

    def _tick(self) -> None:
        while not self._stop.wait(_REDRAW_SECONDS):
            with self.lock:  # type: ignore[union-attr]
                if not self._title:
                    continue
                if self._redraws:
                    self._draw()
                elif time.monotonic() - self._drawn > _HEARTBEAT_SECONDS:
                    self._drawn = time.monotonic()
                    self._stream.write(f"{self._line()}\n")
                    self._stream.flush()

    def _line(self) -> str:
        return f"{self._title} {time.monotonic() - self._started:7.1f} s  ... {self._message}"

    def _fitted(self, line: str) -> str:
        """Cuts a line that is to be redrawn: only one line of the terminal can be cleared."""
        return line[: shutil.get_terminal_size().columns - 1]

    def _draw(self) -> None:
        if self._redraws:
            self._drawn = time.monotonic()
            self._stream.write(f"{_CLEAR_LINE}{self._fitted(self._line())}")
            self._stream.flush()

    def _clear(self) -> None:
        if self._redraws:
            self._stream.write(_CLEAR_LINE)

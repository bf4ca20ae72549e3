"""What a person sees of tasks that run side by side."""

import re
import threading
import time
from pathlib import Path
from types import TracebackType

from components.progress import report
from pipeline.console import Console
from pipeline.vertex.local.custom_jobs import PRIMARY_LOG
from pipeline.vertex.local.log_tail import log_tail

# A record of `components.progress`, as TFX's containers print it.
_PROGRESS = re.compile(r"\bprogress\.py:\d+\] (.+)$", re.MULTILINE)
_READ_EVERY_SECONDS = 1.0


class Board:
    """One line a task when it ends, and the running ones with their progress on the last line.

    Use it as a context manager: it reads the logs until it is left. Several threads may call it.
    """

    def __init__(self, console: Console, tasks: list[str], logs: Path) -> None:
        """Shows nothing yet.

        Args:
          console: to write to.
          tasks: the names of all.
          logs: the folder of their logs, in which the last progress message is looked for.
        """
        self._console = console
        self._logs = logs
        self._count = len(tasks)
        self._width = max(map(len, tasks))
        self._started: dict[str, float] = {}
        self._num_ended = 0
        self._lock = threading.Lock()
        self._is_left = threading.Event()
        self._reader = threading.Thread(target=self._read_logs, daemon=True)

    def __enter__(self) -> "Board":
        """Starts to read the logs."""
        self._reader.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Shows nothing as running any more."""
        self._is_left.set()
        self._reader.join()
        with self._lock:
            self._started.clear()
            self._show_running()

    def start(self, task: str) -> None:
        """A task begins."""
        with self._lock:
            self._started[task] = time.monotonic()
            self._show_running()

    def end(self, task: str, is_cached: bool) -> None:
        """A task has ended; `is_cached`: an earlier run had done it."""
        with self._lock:
            seconds = time.monotonic() - self._started.pop(task)
            self._num_ended += 1
            outcome = "cached" if is_cached else last_progress(self._logs, task)
            self._console.say(
                f"{self._num_ended:>3}/{self._count} {task:<{self._width}} {seconds:7.1f} s"
                f"  {outcome}".rstrip()
            )
            self._show_running()

    def _show_running(self) -> None:
        running = ", ".join(sorted(self._started))
        self._console.start_step(f"    running {running}" if running else "")

    def _read_logs(self) -> None:
        latest = ""
        while not self._is_left.wait(_READ_EVERY_SECONDS):
            with self._lock:
                running = sorted(self._started)
            messages = {task: last_progress(self._logs, task) for task in running}
            told = "; ".join(_with_name(task, text) for task, text in messages.items() if text)
            if told != latest:
                report(told)
                latest = told


def _with_name(task: str, message: str) -> str:
    return message if message.startswith(f"{task}:") else f"{task}: {message}"


def last_progress(logs: Path, task: str) -> str:
    """Returns the last progress message of a task; empty without one.

    Args:
      logs: the folder of all logs.
      task: its name; if a custom job did its work, the messages are the primary worker's.
    """
    of_job = _PROGRESS.findall(log_tail(logs / task / PRIMARY_LOG))
    messages = of_job or _PROGRESS.findall(log_tail(logs / f"{task}.log"))
    return messages[-1] if messages else ""

"""The processes of a run: each writes to a log of its own, and all end together."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

# TensorFlow needs a moment to leave; what a process does after that is lost.
_SECONDS_TO_END = 5.0


class StoppedError(Exception):
    """The run is being stopped: no further process starts, and running ones are ended."""


class Processes:
    """Starts processes and knows which of them still run. It may be used by several threads."""

    def __init__(self, environment: Mapping[str, str], kept_open: Sequence[int] = ()) -> None:
        """Takes what all processes share.

        Args:
          environment: the variables of each process.
          kept_open: file descriptors that they inherit.
        """
        self._environment = environment
        self._kept_open = tuple(kept_open)
        self._running: set[subprocess.Popen[bytes]] = set()
        self._is_stopped = False
        self._lock = threading.Lock()

    def start(
        self, command: Sequence[str], log: Path, extra_environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Starts a process in the folder of its log.

        Args:
          command: program and arguments.
          log: takes what it prints; an older one is replaced.
          extra_environment: more variables.

        Raises:
          StoppedError: after `stop`.
          OSError: if the program cannot be started.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        with self._lock, log.open("wb") as output:
            if self._is_stopped:
                raise StoppedError
            process = subprocess.Popen(
                command,
                cwd=log.parent,
                env={**self._environment, **(extra_environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A group of its own: a process is ended with all that it has started.
                start_new_session=True,
                pass_fds=self._kept_open,
            )
            self._running.add(process)
        return process

    def wait(self, process: subprocess.Popen[bytes]) -> int:
        """Returns the exit status of a process when it has ended; negative: the signal's number.

        Raises:
          StoppedError: if it was ended by `stop`.
        """
        status = process.wait()
        with self._lock:
            self._running.discard(process)
            if self._is_stopped:
                raise StoppedError
        return status

    def end(self, processes: Sequence[subprocess.Popen[bytes]]) -> None:
        """Ends processes and all that they have started; those that have ended stay as they are."""
        running = [process for process in processes if process.poll() is None]
        for process in running:
            _signal(process, signal.SIGTERM)
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_SECONDS_TO_END)
            _signal(process, signal.SIGKILL)
            process.wait()
        with self._lock:
            self._running.difference_update(processes)

    def stop(self) -> None:
        """Ends all processes, for good."""
        with self._lock:
            self._is_stopped = True
            running = list(self._running)
        self.end(running)


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # the group has ended
        os.killpg(process.pid, number)

"""A run alone in its folder, that ends in order when the system ends its process."""

import fcntl
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.errors import InputError

_LOCK_FILE = "lock"


@contextmanager
def only_run_in(root: Path) -> Iterator[int]:
    """Holds a lock on a folder; yields its file descriptor, which the tasks keep open too.

    Raises:
      InputError: if another run, or a task of one that was killed, is at work there.
    """
    with (root / _LOCK_FILE).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"{root}: another run, or a step of a run that was killed, is at work there; "
                "wait for its end, or end it"
            ) from error
        yield file.fileno()


@contextmanager
def interrupted_by_sigterm() -> Iterator[None]:
    """Ends a run in order when the system ends this process."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

"""A process that runs steps of pipelines, one after another, and tells its parent about them."""

import logging
import multiprocessing
import os
import sys
import threading
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from components.progress import PROGRESS_LOGGER
from pipeline.cause import cause_of
from pipeline.console import log_to_file
from pipeline.startup import gc_paused

if TYPE_CHECKING:
    from pipeline.stepwise_runner import CompiledRun

_PROGRESS_SECONDS = 1.0


class Step(NamedTuple):
    """A step of a run, by its id."""

    run: "CompiledRun"
    id: str


class Settings(NamedTuple):
    """What a process is told once.

    Attributes:
      num_threads: of each of TensorFlow's pools.
      has_accelerators: whether it may use GPUs and TPUs.
      log_path: where all that it logs and prints goes.
    """

    num_threads: int
    has_accelerators: bool
    log_path: Path


class Ready(NamedTuple):
    """The process takes steps from now on."""


class Progress(NamedTuple):
    """What the running step says of itself."""

    text: str


@dataclass(frozen=True)
class Ended:
    """How a step ended.

    Attributes:
      seconds: wall time.
      outputs: output key -> URI; empty if it failed.
      is_cached: whether the cache answered.
      error: why it failed; None if it did not.
    """

    seconds: float
    outputs: dict[str, str] = field(default_factory=dict)
    is_cached: bool = False
    error: str | None = None


class _Reporter(logging.Handler):
    """Sends the progress of the running step, at most once a second."""

    def __init__(self, parent: Connection) -> None:
        super().__init__(logging.INFO)
        self._parent = parent
        self._sent = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        now = time.monotonic()
        if now - self._sent >= _PROGRESS_SECONDS:
            self._sent = now
            self.send(Progress(record.getMessage()))

    def send(self, message: Progress | Ready | Ended) -> None:
        with self.lock:  # type: ignore[union-attr]
            self._parent.send(message)


def main(parent: Connection, settings: Settings) -> None:
    """Runs the steps that the parent sends, until it sends None or is gone."""
    _redirect_output(settings.log_path)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with gc_paused():
        import tensorflow as tf

        from components.trainer.tuning.memory import end_me_first
        from pipeline.stepwise_runner import run_step
    end_me_first()
    log_to_file(settings.log_path)
    tf.config.threading.set_intra_op_parallelism_threads(settings.num_threads)
    tf.config.threading.set_inter_op_parallelism_threads(settings.num_threads)
    if not settings.has_accelerators:
        tf.config.set_visible_devices([], "GPU")
    reporter = _Reporter(parent)
    progress = logging.getLogger(PROGRESS_LOGGER)
    progress.setLevel(logging.INFO)
    progress.addHandler(reporter)
    reporter.send(Ready())
    step: Step | None
    while (step := parent.recv()) is not None:
        start_seconds = time.monotonic()
        try:
            outcome = run_step(step.run, step.id)
        except Exception as error:
            logging.exception("%s of run %s failed", step.id, step.run.run_id)
            reporter.send(Ended(time.monotonic() - start_seconds, error=cause_of(error)))
        else:
            seconds = time.monotonic() - start_seconds
            reporter.send(Ended(seconds, outcome.outputs, outcome.is_cached))


def _redirect_output(path: Path) -> None:
    """Sends what Python and libraries in C++ print to the end of a file."""
    with path.open("ab") as file:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(file.fileno(), stream.fileno())


def _end_with_parent() -> None:
    """Ends this process, whatever it does, when its parent is gone."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)

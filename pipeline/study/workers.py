"""Runs steps side by side in processes that live as long as there is work."""

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Generic, TypeVar

from pipeline.study import worker
from pipeline.study.worker import Ended, Progress, Ready, Settings, Step

_POLL_SECONDS = 0.5
_LOG_LINES = 20
KeyT = TypeVar("KeyT")


@dataclass(frozen=True)
class Job(Generic[KeyT]):
    """A step to run.

    Attributes:
      key: what the caller knows it by.
      step: the step.
      needs_accelerator: whether it runs in the one process that may use GPUs and TPUs.
    """

    key: KeyT
    step: Step
    needs_accelerator: bool = False


@dataclass
class _Worker(Generic[KeyT]):
    process: SpawnProcess
    connection: Connection
    settings: Settings
    is_ready: bool = False
    job: Job[KeyT] | None = None
    progress: str = ""


class Workers(Generic[KeyT]):
    """A few processes, each with its share of the cores; use it as a context manager.

    Importing TensorFlow and TFX takes a process many seconds, so it runs many steps. One that dies
    in a step, as where memory runs out, fails that step alone and is replaced.
    """

    def __init__(self, num_workers: int, num_threads: int, log_folder: Path) -> None:
        """Starts nothing yet.

        Args:
          num_workers: steps at once.
          num_threads: of TensorFlow, for each step.
          log_folder: for a log of each process.
        """
        self._num_workers = num_workers
        self._num_threads = num_threads
        self._log_folder = log_folder
        self._workers: list[_Worker[KeyT]] = []

    def __enter__(self) -> "Workers[KeyT]":
        """Returns itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Ends all processes, whatever they do: a training goes on from its checkpoint."""
        for each in self._workers:
            each.process.kill()
        for each in self._workers:
            each.process.join()
            each.connection.close()
        self._workers = []

    def run(
        self,
        jobs: Sequence[Job[KeyT]],
        on_end: Callable[[KeyT, Ended], None],
        on_tick: Callable[[dict[KeyT, str]], None],
    ) -> None:
        """Runs all jobs, in their order as far as processes are free.

        Args:
          jobs: the steps.
          on_end: called after each.
          on_tick: called now and then with running job -> what it says of itself.

        Raises:
          RuntimeError: if a process dies before it takes its first step.
        """
        waiting = deque(jobs)
        for number in range(min(self._num_workers, len(jobs))):
            has_accelerators = number == 0 and any(job.needs_accelerator for job in jobs)
            log_path = self._log_folder / f"worker_{number + 1}.log"
            settings = Settings(self._num_threads, has_accelerators, log_path)
            self._workers.append(self._start(settings))
        while waiting or any(each.job for each in self._workers):
            for each in self._workers:
                if each.is_ready and each.job is None:
                    _assign(each, waiting)
            on_tick({each.job.key: each.progress for each in self._workers if each.job})
            by_connection = {each.connection: each for each in self._workers}
            for connection in wait(list(by_connection), _POLL_SECONDS):
                assert isinstance(connection, Connection)
                self._listen(by_connection[connection], waiting, on_end)

    def _listen(
        self, each: _Worker[KeyT], waiting: deque[Job[KeyT]], on_end: Callable[[KeyT, Ended], None]
    ) -> None:
        """Takes one message; a process that has died leaves an end instead."""
        try:
            message = each.connection.recv()
        except (EOFError, OSError):
            message = self._lose(each, bool(waiting))
        if isinstance(message, Progress):
            each.progress = message.text
        elif isinstance(message, Ready):
            each.is_ready = True
        elif each.job is not None:
            key, each.job = each.job.key, None
            on_end(key, message)

    def _lose(self, each: _Worker[KeyT], is_missed: bool) -> Ended:
        """Takes a dead process away, replaced if it is missed; returns why its step ended.

        Raises:
          RuntimeError: if it died before it could take a step.
        """
        each.process.join()
        each.connection.close()
        reason = _reason(each.process.exitcode or 0)
        if not each.is_ready:
            lines = each.settings.log_path.read_text(errors="replace").splitlines()[-_LOG_LINES:]
            raise RuntimeError("\n".join([f"a training process {reason}:", *lines]))
        number = self._workers.index(each)
        new = [self._start(each.settings)] if is_missed else []
        self._workers[number : number + 1] = new
        return Ended(0.0, error=f"its process {reason}")

    def _start(self, settings: Settings) -> _Worker[KeyT]:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=worker.main, args=(theirs, settings), daemon=True)
        with _interrupts_blocked():
            process.start()
        theirs.close()
        return _Worker(process, ours, settings)


def _assign(each: _Worker[KeyT], waiting: deque[Job[KeyT]]) -> None:
    """Sends the first job that suits the process, if there is one."""
    can_use = each.settings.has_accelerators
    suitable = [job for job in waiting if job.needs_accelerator and can_use]
    suitable = suitable or [job for job in waiting if not job.needs_accelerator]
    if suitable:
        waiting.remove(suitable[0])
        each.job, each.progress = suitable[0], ""
        each.connection.send(suitable[0].step)


def _reason(exit_code: int) -> str:
    if exit_code == -signal.SIGKILL:
        return "was killed (signal 9), as the kernel does where memory runs out"
    if exit_code < 0:
        return f"was ended by signal {-exit_code}"
    return f"ended with status {exit_code}"


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """A process that starts meanwhile never sees Ctrl-C: its parent ends it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

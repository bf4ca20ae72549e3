"""Waits for a run and shows its steps as they end."""

import time
from collections.abc import Callable

from components.progress import report
from pipeline.console import Console
from pipeline.vertex.api.service import ServiceError
from pipeline.vertex.runs.run_state import RunState, TaskState, render_task

POLL_SECONDS = 10.0


def watch(
    read: Callable[[], RunState],
    console: Console,
    sleep: Callable[[float], None] = time.sleep,
) -> RunState:
    """Looks at a run until it has ended: a line for each step that ends, one for those that run.

    Args:
      read: returns what the run is doing.
      console: shows it.
      sleep: waits so many seconds.

    Returns:
      the run at its end, whatever that is.

    Raises:
      ServiceError: if the run cannot be looked at any more; it goes on.
    """
    shown: set[str] = set()
    console.start_step("  waiting")
    while True:
        try:
            run = read()
        except ServiceError as error:
            raise ServiceError(f"{error}; the run itself goes on", error.code) from error
        width = max((len(task.name) for task in run.tasks), default=0)
        for task in run.tasks:
            if task.has_ended and task.name not in shown:
                shown.add(task.name)
                console.say(render_task(task, width))
        report(_running(run))
        if run.has_ended:
            console.end_step(run.state)
            return run
        sleep(POLL_SECONDS)


def _running(run: RunState) -> str:
    """One line about the steps that run."""
    ended = sum(task.has_ended for task in run.tasks)
    running = ", ".join(_now(task) for task in run.tasks if task.state == "running")
    return f"{run.state}, {ended} of {len(run.tasks)} steps; {running or 'none runs yet'}"


def _now(task: TaskState) -> str:
    return task.name if task.seconds is None else f"{task.name} {task.seconds:.0f} s"

"""What each command of run_vertex.py does. Flags are checked first, then things happen."""

from argparse import Namespace

from components.errors import InputError
from pipeline.console import Console
from pipeline.vertex.runs.run_state import render_run, render_runs
from pipeline.vertex.runs.vertex_runs import SCHEDULES, run_id
from pipeline.vertex.servers import Command, server_runs


def prepare(flags: Namespace) -> Command:
    """Checks the flags of a command; returns what carries it out.

    Raises:
      InputError: if a flag is missing, wrong, or does not go with another.
    """
    if flags.command == "status":
        return _status(flags)
    if flags.command == "cancel":
        return _cancel(flags)
    # These load TensorFlow.
    from pipeline.vertex import run_commands

    if flags.command == "compile":
        return run_commands.prepare_compile(flags)
    if flags.command == "run-locally":
        return run_commands.prepare_run_locally(flags)
    if flags.command == "submit":
        return run_commands.prepare_submit(flags)
    return run_commands.prepare_cost(flags)


def _status(flags: Namespace) -> Command:
    runs, run = server_runs(flags), flags.run and run_id(flags.run)
    if run and run.startswith(SCHEDULES):
        raise InputError(f"status: expected a run, received {run}; its page: {runs.link(run)}")

    def show(console: Console) -> None:
        if run:
            console.say(render_run(runs.read(run)))
        else:
            console.say(render_runs(runs.newest()))

    return show


def _cancel(flags: Namespace) -> Command:
    runs, run = server_runs(flags), run_id(flags.run)
    return lambda console: console.say("\n".join(runs.cancel(run)))

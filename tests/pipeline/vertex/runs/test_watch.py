import io

import pytest

from pipeline.console import Console
from pipeline.vertex.api.service import ServiceError
from pipeline.vertex.runs.run_state import RunState, TaskState
from pipeline.vertex.runs.watch import POLL_SECONDS, watch


def _run(state, *tasks, **fields):
    return RunState(
        "run-1", state, "2026-11-22 03:00:00 UTC", "https://x/run-1", tasks=tasks, **fields
    )


def _watch(states):
    seen, waits = iter(states), []
    stream = io.StringIO()
    with Console(stream) as console:
        last = watch(lambda: next(seen), console, waits.append)
    return last, stream.getvalue().splitlines(), waits


def test_each_step_is_shown_once_when_it_ends():
    a, b = TaskState("A", "succeeded", 12.0), TaskState("LongName", "running", 3.0)
    ended = TaskState("LongName", "cached", 4.0)
    last, lines, waits = _watch(
        [_run("pending"), _run("running", a, b), _run("running", a, b), _run("succeeded", a, ended)]
    )
    assert last.state == "succeeded"
    assert lines[:2] == ["  A           12.0 s  succeeded", "  LongName     4.0 s  cached"]
    assert lines[2].startswith("  waiting") and lines[2].endswith("succeeded")
    assert len(lines) == 3
    assert waits == [POLL_SECONDS] * 3


def test_failed_step_is_shown_with_its_error():
    failed = TaskState("A", "failed", 1.0, "no memory")
    _, lines, _ = _watch([_run("failed", failed)])
    assert lines[0] == "  A     1.0 s  failed: no memory"


def test_run_that_cannot_be_looked_at_any_more_goes_on():
    def read():
        raise ServiceError("read: 503", 503)

    with (
        Console(io.StringIO()) as console,
        pytest.raises(ServiceError, match="503; the run itself"),
    ):
        watch(read, console)

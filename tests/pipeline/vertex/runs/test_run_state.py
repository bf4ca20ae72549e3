import pytest

from pipeline.vertex.runs.run_state import RunState, TaskState, render_run, render_runs


def _run(state, *tasks, **fields):
    return RunState(
        "run-1", state, "2026-11-22 03:00:00 UTC", "https://x/run-1", tasks=tasks, **fields
    )


def test_rendered_run_has_tasks_error_and_link():
    task = TaskState("A", "failed", 1.0, "no memory")
    text = render_run(_run("failed", task, TaskState("B", "pending"), error="A failed"))
    assert text.splitlines() == [
        "run-1  failed  2026-11-22 03:00:00 UTC",
        "  A     1.0 s  failed: no memory",
        "  B            pending",
        "error  A failed",
        "link   https://x/run-1",
    ]


def test_rendered_list_has_a_line_a_run():
    lines = render_runs([_run("succeeded"), _run("failed")]).splitlines()
    assert lines == [
        "run-1  succeeded   2026-11-22 03:00:00 UTC",
        "run-1  failed      2026-11-22 03:00:00 UTC",
    ]


def test_rendered_list_without_runs_says_so():
    assert render_runs([]) == "no runs of this pipeline"


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("succeeded", True),
        ("cached", True),
        ("failed", True),
        ("cancelled", True),
        ("running", False),
        ("pending", False),
        ("cancelling", False),
    ],
)
def test_end_is_told_from_the_state(state, expected):
    assert _run(state).has_ended is expected
    assert TaskState("A", state).has_ended is expected

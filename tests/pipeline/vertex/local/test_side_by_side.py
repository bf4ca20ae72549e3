"""The order of work in a graph, with threads that wait for each other."""

import threading
from graphlib import CycleError

import pytest

from pipeline.vertex.local import side_by_side
from pipeline.vertex.local.side_by_side import default_num_threads, run_side_by_side

SECONDS = 10
GRAPH = {"read": (), "left": ("read",), "right": ("read",), "compare": ("left", "right")}


def _no_stop():
    raise AssertionError("stopped")


def test_work_gets_the_results_of_all_nodes_before_it():
    def work(node, before):
        return f"{node}({','.join(before[name] for name in sorted(before))})"

    assert run_side_by_side(GRAPH, work, 2, _no_stop) == {
        "read": "read()",
        "left": "left(read())",
        "right": "right(read())",
        "compare": "compare(left(read()),right(read()))",
    }


def test_independent_nodes_run_at_the_same_time():
    meeting = threading.Barrier(2)

    def work(node, before):
        if node in ("left", "right"):
            meeting.wait(SECONDS)  # breaks unless both are there

    run_side_by_side(GRAPH, work, 2, _no_stop)


def test_no_more_nodes_run_than_threads():
    lock, running, most = threading.Lock(), [], []

    def work(node, before):
        with lock:
            running.append(node)
            most.append(len(running))
        threading.Event().wait(0.01)
        with lock:
            running.remove(node)

    run_side_by_side({str(i): () for i in range(6)}, work, 2, _no_stop)
    assert max(most) == 2


def test_failure_stops_the_others_and_starts_nothing_more():
    is_stopped, left_runs, done = threading.Event(), threading.Event(), []

    def work(node, before):
        if node == "left":
            left_runs.set()
            assert is_stopped.wait(SECONDS)
        if node == "right":
            left_runs.wait(SECONDS)
            raise ValueError("right is wrong")
        done.append(node)

    with pytest.raises(ValueError, match="right is wrong"):
        run_side_by_side(GRAPH, work, 2, is_stopped.set)
    assert done == ["read", "left"]


def test_circle_is_refused():
    with pytest.raises(CycleError):
        run_side_by_side({"a": ("b",), "b": ("a",)}, lambda node, before: None, 1, _no_stop)


@pytest.mark.parametrize(
    ("num_cores", "free_gigabytes", "expected"), [(8, 100, 8), (8, 10, 3), (8, 1, 1), (1, 100, 1)]
)
def test_default_number_heeds_cores_and_memory(monkeypatch, num_cores, free_gigabytes, expected):
    monkeypatch.setattr(side_by_side.os, "sched_getaffinity", lambda _: set(range(num_cores)))
    monkeypatch.setattr(side_by_side, "free_bytes", lambda: free_gigabytes * 10**9)
    assert default_num_threads() == expected

import io

import pytest

from pipeline.console import Console
from pipeline.study import board as board_module
from pipeline.study.board import Board
from pipeline.study.plan import Plan
from pipeline.study.result import Training
from pipeline.study.worker import Ended
from tests.pipeline.study.result_parts import groups, record, timing


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets."""
    now = [1000.0]
    monkeypatch.setattr(board_module.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def plan():
    """Two cells with two seeds each, of which one cell has taken 9 s before."""
    main, _ = groups()
    full, hashing = main.cells[:2]
    timings = (
        timing(full, 0),
        timing(hashing, 0).model_copy(update={"seconds": 21.0}),
    )
    return Plan((main,), 2, None, 2, 1, 4000, timings)


def make_board(plan):
    stream = io.StringIO()
    keys = [key for key in plan.trainings if key.cell.device == "cpu"]
    return Board(plan, keys, Console(stream)), keys, stream


def test_the_longest_trainings_come_first(plan):
    board, keys, _ = make_board(plan)
    assert board.longest_first() == [keys[2], keys[3], keys[0], keys[1]]


def test_time_left_comes_from_measured_cells(plan, clock):
    board, keys, _ = make_board(plan)
    # 21 and 21 side by side, then 9 and 9.
    assert board.line({}) == "0/4 done, about 30 s left; starting processes"
    running = {keys[2]: "epoch 1", keys[3]: ""}
    board.line(running)
    clock[0] += 11
    assert board.line(running) == (
        "0/4 done, about 19 s left; 1MB/dlrm_hashing seed 0 epoch 1; 1MB/dlrm_hashing seed 1"
    )


def test_ended_trainings_have_a_line_each(plan, clock):
    board, keys, stream = make_board(plan)
    done = Training("done", record=record("dlrm_full", 0))
    board.end(keys[0], done, Ended(9.04))
    board.end(keys[1], done, Ended(0.1, is_cached=True))
    board.end(keys[2], Training("failed", "it diverged"), Ended(3.0, error="it diverged"))
    assert stream.getvalue().splitlines() == [
        "  1/4 1MB/dlrm_full seed 0     9.0 s  auc_roc 0.7000, logloss 0.5000",
        "  2/4 1MB/dlrm_full seed 1     0.1 s  cached",
        "  3/4 1MB/dlrm_hashing seed 0     3.0 s  failed: it diverged",
    ]
    assert board.outcome() == "2/4 done, 1 failed"
    assert board.line({keys[3]: ""}).startswith("2/4 done, 1 failed, about 21 s left; ")

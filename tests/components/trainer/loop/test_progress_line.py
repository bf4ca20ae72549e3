import logging

import pytest

from components.progress import PROGRESS_LOGGER
from components.trainer.config import TrainerConfig
from components.trainer.loop import progress_line
from components.trainer.loop.progress_line import ProgressLine, format_seconds
from components.trainer.loop.training_plan import TrainingPlan
from components.trainer.loop.training_state import TrainingState
from components.training_record import EvalPoint


@pytest.fixture
def state() -> TrainingState:
    """Twelve steps of an epoch of ten are done, at 50 rows a second."""
    state = TrainingState.at_start(PLAN, 0.5)
    for loss in [0.75] * 6 + [0.25] * 6:
        state.losses.add(loss, PLAN)
    state.step = 12
    state.stopwatch.rated_seconds, state.stopwatch.rated_examples = 24.0, 1200
    return state


PLAN = TrainingPlan(TrainerConfig(batch_size=100, epochs=2), 1000)


def says(
    state: TrainingState, seconds: list[float], monkeypatch: pytest.MonkeyPatch
) -> list[float]:
    """Asks for a report at each of these times after the start."""
    now = [100.0]
    monkeypatch.setattr(progress_line.time, "monotonic", lambda: now[0])
    line = ProgressLine(state, PLAN)
    due = []
    for each in seconds:
        now[0] = 100.0 + each
        line.report_if_due()
        due.append(line.due_seconds - 100.0)
    return due


def test_line_says_epoch_step_loss_rate_and_time_left(
    state: TrainingState, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with caplog.at_level(logging.INFO, PROGRESS_LOGGER):
        says(state, [0.5], monkeypatch)
    # 800 rows are left.
    assert caplog.messages == [
        "epoch 2/2, step 12/20, loss 0.5000, 50 examples/s, 16 s left",
    ]


def test_line_says_the_newest_logloss(
    state: TrainingState, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step, logloss in ((5, 0.625), (10, 0.5625)):
        point = EvalPoint(step=step, examples=100 * step, train_seconds=1.0, logloss=logloss)
        state.evals.append(point)
    with caplog.at_level(logging.INFO, PROGRESS_LOGGER):
        says(state, [0.5], monkeypatch)
    assert ", loss 0.5000, logloss 0.5625, 50 examples/s" in caplog.messages[0]


def test_lines_come_at_most_twice_a_second(
    state: TrainingState, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with caplog.at_level(logging.INFO, PROGRESS_LOGGER):
        due = says(state, [0.25, 0.5, 0.75, 1.25, 1.5, 1.75], monkeypatch)
    assert due == [0.5, 1.0, 1.0, 1.75, 1.75, 2.25]
    assert len(caplog.messages) == 3


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (200, "3 min 20 s"),
        (3599.7, "1 h 0 min"),
        (90_061, "25 h 1 min"),
    ],
)
def test_a_duration_has_two_units(seconds: float, expected: str) -> None:
    assert format_seconds(seconds) == expected

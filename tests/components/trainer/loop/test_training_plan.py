import pytest

from components.trainer.config import TrainerConfig
from components.trainer.loop.training_plan import TrainingPlan


def make(num_rows: int = 70, **fields: object) -> TrainingPlan:
    return TrainingPlan(TrainerConfig(batch_size=16, **fields), num_rows)


def test_last_step_of_an_epoch_has_what_is_left() -> None:
    plan = make(epochs=2)
    assert (plan.steps_per_epoch, plan.num_steps) == (5, 10)
    assert [plan.num_examples(step) for step in range(11)] == [
        *(0, 16, 32, 48, 64, 70),
        *(86, 102, 118, 134, 140),
    ]


def test_rows_that_fill_their_batches_leave_no_short_step() -> None:
    plan = make(num_rows=64)
    assert plan.num_steps == 4
    assert plan.num_examples(4) == 64


@pytest.mark.parametrize(
    ("evals_per_epoch", "expected"),
    [
        (0, ()),
        (1, (5, 10)),
        (2, (3, 5, 8, 10)),
        (5, (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)),
        (99, (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)),
    ],
)
def test_evaluations_lie_evenly_and_end_each_epoch(
    evals_per_epoch: int, expected: tuple[int, ...]
) -> None:
    assert make(epochs=2, evals_per_epoch=evals_per_epoch).evaluated_steps == expected


@pytest.mark.parametrize(("step", "expected"), [(0, 3), (2, 3), (3, 5), (9, 10), (10, None)])
def test_next_evaluation_comes_after_the_step(step: int, expected: int | None) -> None:
    assert make(epochs=2, evals_per_epoch=2).next_evaluation(step) == expected


@pytest.mark.parametrize(
    ("step", "following", "due"),
    [(0, 1, []), (1, 4, [0.01]), (3, 4, []), (4, 10, [0.31, 0.4]), (10, None, [1.0])],
)
def test_maintenance_follows_the_step_that_completes_its_share(
    step: int, following: int | None, due: list[float]
) -> None:
    maintenance = [0.01, 0.31, 0.4, 1.0]  # of 10 steps
    plan = make(epochs=2)
    assert plan.next_maintenance(step, maintenance) == following
    assert plan.due_maintenance(step, maintenance) == due

import pytest

from components.trainer.config import TrainerConfig
from components.trainer.loop.training_plan import TrainingPlan
from components.trainer.loop.training_state import LossHistory, TrainingState


def history(plan: TrainingPlan, losses: list[float]) -> LossHistory:
    history = TrainingState.at_start(plan, 0.5).losses
    for loss in losses:
        history.add(loss, plan)
    return history


def plan_of(num_steps: int) -> TrainingPlan:
    return TrainingPlan(TrainerConfig(batch_size=10), 10 * num_steps - 3)


def test_up_to_200_steps_each_is_a_point() -> None:
    points = history(plan_of(3), [0.5, 0.25, 0.125]).points
    assert [(p.step, p.examples, p.loss) for p in points] == [
        (1, 10, 0.5),
        (2, 20, 0.25),
        (3, 27, 0.125),
    ]


def test_of_more_steps_a_point_is_the_mean_of_some() -> None:
    # 405 steps: a point for each three.
    points = history(plan_of(405), [float(n) for n in range(1, 406)]).points
    assert [(p.step, p.examples, p.loss) for p in points[:2]] == [(3, 30, 2.0), (6, 60, 5.0)]
    assert (points[-1].step, points[-1].examples, points[-1].loss) == (405, 4047, 404.0)
    assert len(points) == 135


def test_the_last_point_ends_with_the_last_step() -> None:
    points = history(plan_of(401), [1.0] * 399 + [2.0, 4.0]).points
    assert (points[-1].step, points[-1].loss) == (401, 3.0)


def test_recent_mean_is_that_of_the_last_100() -> None:
    plan = plan_of(1000)
    assert history(plan, [1.0, 2.0]).recent_mean() == 1.5
    losses = [7.0] * 350 + [1.0] * 50 + [2.0] * 50
    assert history(plan, losses).recent_mean() == 1.5


@pytest.mark.parametrize("num_done", [1, 100, 404])
def test_read_back_from_json_it_goes_on_as_if_nothing_had_been(num_done: int) -> None:
    plan = plan_of(405)
    losses = [0.1 + 1 / n for n in range(1, 406)]
    whole = history(plan, losses)
    state = TrainingState(losses=history(plan, losses[:num_done]), step=num_done)
    again = TrainingState.model_validate_json(state.model_dump_json())
    for loss in losses[num_done:]:
        again.losses.add(loss, plan)
    assert again.losses == whole

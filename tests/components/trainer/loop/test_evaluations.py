import math
from pathlib import Path

import pytest

from components.trainer.config import TrainerConfig
from components.trainer.loop.best_weights import BestWeights
from components.trainer.loop.divergence import DivergedError
from components.trainer.loop.evaluated_rows import EvaluatedRows
from components.trainer.loop.evaluations import Evaluations
from components.trainer.loop.training_logs import TrainingLogs
from components.trainer.loop.training_plan import TrainingPlan
from components.trainer.loop.training_state import TrainingState
from components.trainer.train_step import TrainStep
from tests.components.trainer.small_log import CONFIG, make_network


def evaluate(
    loglosses: list[float], folder: Path, judged_from: int = 0, **fields: object
) -> tuple[Evaluations, TrainingState, list[float]]:
    """Evaluates after each of as many steps; returns the learning rates' factors after them."""
    values = {"batch_size": 700, "epochs": len(loglosses), "evals_per_epoch": 1}
    values |= {"validation_fraction": 0.1, **fields}
    config = TrainerConfig.model_validate({**CONFIG.model_dump(), **values})
    plan = TrainingPlan(config, 700)
    state = TrainingState.at_start(plan, 0.5)
    network = make_network(config)
    step = TrainStep(network, config, plan.num_steps)
    left = iter(loglosses)
    rows = EvaluatedRows(lambda: {"logloss": next(left)})
    best = BestWeights(str(folder), network, is_chief=True)
    evaluations = Evaluations(state, plan, rows, step, best, TrainingLogs(None), judged_from)
    factors = []
    for number in range(1, len(loglosses) + 1):
        state.step = number
        evaluations.run_if_due(None)
        factors.append(float(step.learning_rate_factor))
    return evaluations, state, factors


def test_patience_runs_out_after_as_many_evaluations_that_were_not_better(tmp_path: Path) -> None:
    stopping = {"early_stopping": {"patience": 2}}
    assert not evaluate([0.5, 0.4, 0.6, 0.3, 0.5], tmp_path / "a", **stopping)[0].is_over()
    evaluations, state, _ = evaluate([0.5, 0.4, 0.6, 0.5], tmp_path / "b", **stopping)
    assert evaluations.is_over()
    assert evaluations.restore_best() == state.early_stopping.best_step == 2


def test_without_early_stopping_the_last_weights_stay(tmp_path: Path) -> None:
    evaluations, _, _ = evaluate([0.5, 0.6, 0.7], tmp_path)
    assert not evaluations.is_over()
    assert evaluations.restore_best() == 3
    assert not list(tmp_path.iterdir())


def test_learning_rates_fall_on_a_plateau_down_to_the_least_factor(tmp_path: Path) -> None:
    plateau = {"patience": 2, "factor": 0.5, "min_factor": 0.25, "min_improvement": 0.1}
    loglosses = [0.8, 0.75, 0.74, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6]
    _, _, factors = evaluate(loglosses, tmp_path, reduce_on_plateau=plateau)
    assert factors == [1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.25]


def test_a_logloss_that_is_not_finite_stops_the_training(tmp_path: Path) -> None:
    expected = r"logloss of variant full on the rows to evaluate on is nan at step 2, where the"
    with pytest.raises(DivergedError, match=expected):
        evaluate([0.5, math.nan], tmp_path)


def test_steps_between_evaluations_have_none(tmp_path: Path) -> None:
    _, state, _ = evaluate([0.5, 0.4, 0.3], tmp_path, batch_size=100)
    # Seven steps an epoch, so none of the first three ends one.
    assert state.evals == []


def test_evaluations_before_the_tables_have_settled_decide_nothing(tmp_path: Path) -> None:
    stopping = {"early_stopping": {"patience": 2}}
    evaluations, state, _ = evaluate([0.1, 0.2, 0.5, 0.4, 0.6], tmp_path, 3, **stopping)
    assert len(state.evals) == 5
    assert not evaluations.is_over()
    assert evaluations.restore_best() == 4

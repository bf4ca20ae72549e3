"""The rule of convergence, on curves worked out by hand."""

import pytest

from pipeline.study.outcome.convergence import convergence
from pipeline.study.outcome.read import read_study
from tests.pipeline.study.outcome.sample import key, run_rows, tables


def of(losses, **others):
    rows = run_rows(key("a"), losses, **others)
    return convergence(read_study(*tables(rows, [])).runs[0])


def test_first_evaluation_within_the_tolerance_counts():
    # The lowest is 0.4000; the second evaluation is 0.0010 above it: step 20, epoch 1, 4 seconds.
    found = of([0.5, 0.401, 0.4, 0.4005])
    assert (found.epochs, found.seconds, found.verdict) == (1.0, 4.0, "converged")
    assert (found.best, found.last) == (0.4, 0.4005)


def test_just_above_the_tolerance_does_not_count():
    assert of([0.5, 0.40101, 0.4, 0.4005]).epochs == 1.5


def test_last_one_above_the_best_is_overfitted():
    found = of([0.5, 0.4, 0.4011], train_logloss=0.3)
    assert (found.verdict, found.epochs) == ("overfitted", 1.0)
    assert found.gap == pytest.approx(0.1011)


def test_still_falling_at_the_end_is_underfitted():
    assert of([0.5, 0.45, 0.44]).verdict == "underfitted"


@pytest.mark.parametrize("losses", [[0.5], [0.5, None]])
def test_one_evaluation_says_nothing(losses):
    assert of(losses) == (None, None, None, None, None, "unknown")


def test_gap_is_unknown_without_train_figures():
    assert of([0.5, 0.4]).gap is None

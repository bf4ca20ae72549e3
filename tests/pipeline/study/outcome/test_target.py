"""Time to the target quality, worked out by hand."""

import pytest

from pipeline.study.outcome.read import read_study
from pipeline.study.outcome.target import target_logloss, time_to_target
from tests.pipeline.study.outcome.sample import final_row, key, run_rows, tables


@pytest.fixture
def study():
    full, small = key("full"), key("small", variant="hashing")
    curves = [
        *run_rows(full, [0.5, 0.45, 0.44], seed=0),
        *run_rows(full, [0.5, 0.45, 0.46], seed=1),
        *run_rows(small, [0.5, 0.451, 0.44], seed=0),
        *run_rows(small, [0.5, 0.46, 0.45], seed=1),
    ]
    finals = [final_row(full, 0.7), final_row(small, 0.7, (0, -0.1, 0.1), baseline="full")]
    return read_study(*tables(curves, finals))


def test_target_is_the_last_loss_of_the_baseline_and_a_bit(study):
    # The higher of 0.44 and 0.46, and 0.001.
    assert [target_logloss(study, cell) for cell in study.cells] == [pytest.approx(0.461)] * 2


def test_time_is_the_median_of_the_first_evaluations_that_reach_it(study):
    # Seed 0 at the second evaluation, 4 s; seed 1 at the third, 6 s.
    assert time_to_target(study, study.find("small"), 0.451) == (5.0, 1.25, 2, 2)


def test_time_is_unknown_if_a_seed_does_not_reach_it(study):
    assert time_to_target(study, study.find("small"), 0.445) == (None, None, 1, 2)

import math

import numpy as np
import pytest

from components.trainer.tuning.learning_rate_rule import (
    divergence_limit,
    read_range_test,
    smooth,
)

CONSTANT = 0.6
RATES = np.geomspace(1e-3, 1e1, 81)  # 20 points a decade
DECADES = np.log10(RATES)
AT_REST = np.full((3, 81), 0.55)


def make_losses(lowest=0.45, best=1e-1, num_seeds=3):
    """A valley in the logarithm of the rate with its lowest loss at `best`."""
    curve = 0.55 - (0.55 - lowest) * np.exp(-((DECADES - math.log10(best)) ** 2))
    return np.tile(curve, (num_seeds, 1))


def read(losses, at_rest=AT_REST, **options):
    return read_range_test(RATES, losses, at_rest[: len(losses)], CONSTANT, **options)


def test_best_rate_is_that_of_the_largest_gain():
    assert read(make_losses(best=1e-1)).best == pytest.approx(1e-1)


def test_best_rate_heeds_what_the_other_part_has_learned():
    # The other part lowers the loss ever more, so the raw loss is lowest at the last rate.
    other = -0.03 * (DECADES - DECADES[0])
    losses, at_rest = make_losses() + other, AT_REST + other
    assert losses.argmin(axis=1)[0] > make_losses().argmin(axis=1)[0]
    assert read(losses, at_rest).best == pytest.approx(1e-1)


def test_steepest_rate_is_where_a_gaussian_valley_is_steepest():
    # exp(-x**2) has its largest slope at x = -1 / sqrt(2); smoothing widens the valley by the
    # variance 0.1**2, so exp(-x**2 / (1 + 2 * 0.01)).
    expected = -1.0 - math.sqrt(1.02 / 2)
    assert math.log10(read(make_losses()).steepest) == pytest.approx(expected, abs=0.06)


def test_suggestion_is_the_peak_of_the_schedule_whose_mean_is_best():
    assert read(make_losses(), schedule_mean=0.5).suggested == pytest.approx(2e-1)


def test_suggestion_is_the_middle_of_a_broad_top():
    losses = np.full((3, 81), 0.55)
    losses[:, (DECADES >= -2.0) & (DECADES <= 0.0)] = 0.45
    losses[:, np.abs(DECADES + 1.8) < 0.01] = 0.449  # the best of them lies near its edge
    reading = read(losses)
    assert math.log10(reading.best) == pytest.approx(-1.8, abs=0.11)
    assert math.log10(reading.suggested) == pytest.approx(-1.0, abs=0.05)


def test_last_stable_rate_is_the_last_one_better_than_one_prediction_for_all():
    losses = make_losses()
    losses[:, RATES > 2.0] = 3.0
    # The step from below to above is smoothed over 0.1 decades.
    assert math.log10(read(losses).last_stable) == pytest.approx(math.log10(2.0), abs=0.2)


def test_last_stable_rate_is_the_last_one_tried_where_nothing_diverges():
    assert read(make_losses()).last_stable == pytest.approx(1e1)


def test_training_that_ended_counts_as_diverged():
    losses = make_losses()
    losses[:, 60:] = math.inf
    reading = read(losses)
    assert reading.loss[59] is not None
    assert set(reading.loss[60:]) == {None}
    assert reading.best == pytest.approx(1e-1)
    assert reading.last_stable < RATES[60]


def test_one_seed_that_diverges_early_does_not_decide():
    losses = make_losses()
    losses[0, 20:] = math.nan
    assert read(losses).best == pytest.approx(1e-1)


def test_gain_within_the_noise_gives_no_suggestion():
    rng = np.random.default_rng(0)
    losses = AT_REST + rng.normal(0, 0.01, (3, 1))
    reading = read(losses)
    assert reading.suggested is None


def test_gain_above_the_noise_gives_a_suggestion():
    rng = np.random.default_rng(0)
    losses = make_losses() + rng.normal(0, 0.01, (3, 1))
    assert read(losses).suggested == pytest.approx(1e-1, rel=0.3)


def test_noise_of_single_points_moves_the_suggestion_little():
    rng = np.random.default_rng(1)
    losses = make_losses() + rng.normal(0, 0.01, (3, 81))
    assert abs(math.log10(read(losses).best) + 1.0) < 0.3


@pytest.mark.parametrize(("best", "expected"), [(1e-4, True), (1e2, True), (1e-1, False)])
def test_edge_is_told(best, expected):
    assert read(make_losses(best=best)).is_at_edge is expected


def test_smoothing_is_the_weighted_mean_of_a_normal_distribution():
    values = np.array([1.0, 4.0, 2.0])
    near, far = math.exp(-0.5 / 0.25), math.exp(-0.5 * 4 / 0.25)
    expected = [
        (1 + 4 * near + 2 * far) / (1 + near + far),
        (near + 4 + 2 * near) / (1 + 2 * near),
        (far + 4 * near + 2) / (1 + near + far),
    ]
    np.testing.assert_allclose(smooth(values, 0.5), expected)


def test_divergence_limit_is_twice_the_loss_of_one_prediction():
    assert divergence_limit(0.3) == 0.6

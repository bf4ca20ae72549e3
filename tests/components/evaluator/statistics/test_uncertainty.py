import math

import numpy as np
import pytest
from scipy import stats

from components.evaluator.statistics.uncertainty import Noisy, baseline_result, compared_results


def test_one_replica_has_a_normal_interval():
    estimate = Noisy.of_replicas(np.array([0.7]), 0.01).estimate(0.95)
    assert estimate.value == 0.7
    assert estimate.low == pytest.approx(0.7 - 1.959964 * 0.01, abs=1e-8)
    assert estimate.high == pytest.approx(0.7 + 1.959964 * 0.01, abs=1e-8)
    assert estimate.degrees_of_freedom is None


def test_variances_of_sampling_and_seeds_add():
    # Mean 0.5, standard deviation 0.02, over 4 replicas.
    values = np.array([0.48, 0.52, 0.5, 0.5]) * 1.0
    noisy = Noisy.of_replicas(values, 0.03)
    seed_error = math.sqrt(0.0008 / 3) / 2
    assert noisy.value == pytest.approx(0.5)
    assert noisy.seed_error == pytest.approx(seed_error)
    assert noisy.standard_error == pytest.approx(math.sqrt(0.03**2 + seed_error**2))


def test_interval_of_three_replicas_by_hand():
    # Quantiles at 95 %: normal 1.959964, Student with 2 degrees of freedom 4.302653.
    noisy = Noisy(value=0.0, sampling_error=2.0, seed_error=0.5, num_replicas=3)
    expected = math.sqrt((1.959964 * 2) ** 2 + (4.302653 * 0.5) ** 2)
    assert noisy.half_width(0.95) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("sampling_error", [1e-3, 0.1, 1.0, 30.0])
def test_degrees_of_freedom_give_the_interval(sampling_error):
    noisy = Noisy(value=0.0, sampling_error=sampling_error, seed_error=1.0, num_replicas=3)
    degrees = noisy.degrees_of_freedom(0.95)
    assert degrees >= 2
    expected = noisy.standard_error * stats.t.ppf(0.975, degrees)
    assert noisy.half_width(0.95) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("num_replicas", [2, 3, 5])
@pytest.mark.parametrize("ratio", [0.05, 0.5, 5.0])
def test_interval_covers_the_truth_whatever_the_ratio_of_the_errors(num_replicas, ratio):
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(1000):
        truth = random.normal(scale=ratio)
        values = truth + random.normal(scale=np.sqrt(num_replicas), size=num_replicas)
        noisy = Noisy.of_replicas(values, ratio)
        covered += abs(noisy.value) <= noisy.half_width(0.95)
    # Not below 95 %, up to three standard errors of 0.7 %.
    assert covered / 1000 > 0.93


def test_interval_without_sampling_error_is_that_of_the_t_test():
    values = np.array([1.0, 2.0, 4.0])
    expected = stats.ttest_1samp(values, 0.0)
    noisy = Noisy.of_replicas(values, 0.0)
    low, high = expected.confidence_interval(0.95)
    estimate = noisy.estimate(0.95)
    assert (estimate.low, estimate.high) == pytest.approx((low, high))
    assert noisy.p_value() == pytest.approx(expected.pvalue)
    assert estimate.degrees_of_freedom == pytest.approx(2)


def test_equal_replicas_have_a_normal_interval():
    noisy = Noisy.of_replicas(np.array([0.5, 0.5]), 0.01)
    assert noisy.seed_error == 0.0
    assert noisy.half_width(0.95) == pytest.approx(0.0195996, abs=1e-7)


@pytest.mark.parametrize("seed_error", [None, 0.7])
def test_p_value_is_one_minus_the_confidence_that_just_reaches_zero(seed_error):
    for confidence in (0.5, 0.9, 0.95, 0.999):
        width = Noisy(0.0, 0.4, seed_error, 3).half_width(confidence)
        noisy = Noisy(-width, 0.4, seed_error, 3)
        assert noisy.p_value() == pytest.approx(1 - confidence, rel=1e-6)


def test_p_value_of_few_replicas_is_heavy_tailed_at_any_level():
    # Without a sampling error: 30 errors with 2 degrees of freedom, by Student's distribution.
    noisy = Noisy(30.0, 0.0, 1.0, 3)
    assert noisy.p_value() == pytest.approx(2 * stats.t.sf(30.0, 2), rel=1e-6)


def test_p_value_far_out_is_zero():
    assert Noisy(1.0, 1e-6, None, 1).p_value() == 0.0


def test_no_difference_without_any_error_has_p_value_one():
    assert Noisy(0.0, 0.0, None, 1).p_value() == 1.0


def test_difference_without_any_error_has_p_value_zero():
    assert Noisy(1e-3, 0.0, None, 1).p_value() == 0.0


def test_baseline_has_no_difference_and_its_own_errors():
    result = baseline_result(Noisy(0.7, 0.01, 0.002, 2), 0.95)
    assert result.difference is None
    assert result.p_value is None
    assert (result.sampling_error, result.seed_error) == (0.01, 0.002)


def test_another_variant_has_the_errors_of_its_difference():
    pair = Noisy(0.7, 0.01, 0.002, 2), Noisy(-0.1, 0.005, 0.001, 2)
    (result,) = compared_results([pair], 0.95)
    assert result.estimate.value == 0.7
    assert result.difference is not None
    assert result.difference.value == -0.1
    assert (result.sampling_error, result.seed_error) == (0.005, 0.001)


def test_adjusted_p_values_stay_with_their_results():
    # 1.959964 and 2.575829 errors: 5 % and 1 %, of which the smaller is doubled.
    pairs = [(Noisy(0.7, 0.01, None, 1), Noisy(x, 1.0, None, 1)) for x in (1.959964, 2.575829)]
    found = compared_results(pairs, 0.95)
    assert [each.p_value for each in found] == pytest.approx([0.05, 0.01], abs=1e-7)
    assert [each.adjusted_p_value for each in found] == pytest.approx([0.05, 0.02], abs=1e-7)

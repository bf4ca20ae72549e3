import numpy as np

from components.evaluator.comparison import Estimate, MetricResult
from components.evaluator.statistics.holm import holm, with_adjusted_p_values


def result(p_value):
    estimate = Estimate(value=0.0, standard_error=1.0, low=-1.0, high=1.0)
    return MetricResult(estimate=estimate, p_value=p_value, sampling_error=1.0)


def test_holm_by_hand():
    # In order: 0.005 * 4 = 0.02, 0.01 * 3 = 0.03, 0.03 * 2 = 0.06, then 0.04 is raised to 0.06.
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])


def test_holm_is_never_above_one():
    np.testing.assert_allclose(holm([0.6, 0.9, 0.02]), [1.0, 1.0, 0.06])


def test_holm_of_one_comparison_changes_nothing():
    np.testing.assert_allclose(holm([0.04]), [0.04])


def test_holm_of_none_is_none():
    assert with_adjusted_p_values([]) == []


def test_adjusted_p_values_stay_with_their_results():
    adjusted = with_adjusted_p_values([result(0.5), result(0.01)])
    assert [each.p_value for each in adjusted] == [0.5, 0.01]
    assert [each.adjusted_p_value for each in adjusted] == [0.5, 0.02]

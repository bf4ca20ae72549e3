import numpy as np

from components.evaluator.statistics.holm import holm


def test_holm_by_hand():
    # In order: 0.005 * 4 = 0.02, 0.01 * 3 = 0.03, 0.03 * 2 = 0.06, then 0.04 is raised to 0.06.
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])


def test_holm_is_never_above_one():
    np.testing.assert_allclose(holm([0.6, 0.9, 0.02]), [1.0, 1.0, 0.06])


def test_holm_of_one_comparison_changes_nothing():
    np.testing.assert_allclose(holm([0.04]), [0.04])


def test_holm_of_none_is_none():
    assert holm([]).tolist() == []

"""Laws of scaling, fitted to exact ones and to points worked out by hand."""

import math

import numpy as np
import pytest

from pipeline.study.outcome.scaling import fit_log_linear, fit_power_law

ROWS = [1e3, 1e4, 1e5, 1e6, 1e7]


def test_exact_power_law_gives_its_parameters():
    fit = fit_power_law(ROWS, [0.4 + 2.0 * n**-0.3 for n in ROWS])
    assert fit.form == "power law"
    assert fit.exponent == pytest.approx(-0.3, abs=1e-4)
    assert fit.floor == pytest.approx(0.4, abs=1e-4)
    assert fit.scale == pytest.approx(2.0, rel=1e-3)
    assert fit.half_width < 1e-3


def test_three_sizes_give_a_straight_line_in_logarithms():
    # Natural logarithms of the values: 0, -1, -3 at rows e^0, e^1, e^2. Slope -3/2, residuals
    # -1/6, 1/3, -1/6; their squares sum to 1/6; one degree of freedom, squares of x sum to 2:
    # standard error sqrt(1/12), times 12.7062.
    rows = [1.0, math.e, math.e**2]
    fit = fit_power_law(rows, [1.0, math.e**-1, math.e**-3])
    assert (fit.form, fit.num_points) == ("log-linear", 3)
    assert fit.exponent == pytest.approx(-1.5)
    assert fit.half_width == pytest.approx(12.7062 * math.sqrt(1 / 12), rel=1e-5)
    assert fit.at(np.array([math.e])) == pytest.approx(math.exp(-4 / 3))


@pytest.mark.parametrize("rows", [[1e3], [1e3, 1e4], [1e3, 1e4, 1e4]])
def test_fewer_sizes_are_not_fitted(rows):
    values = [0.5] * len(rows)
    assert fit_power_law(rows, values) is None
    assert fit_log_linear(rows, values) is None


def test_loss_that_does_not_fall_has_no_power_law():
    assert fit_power_law(ROWS, [0.4, 0.41, 0.42, 0.43, 0.44]).form == "log-linear"


def test_time_in_proportion_has_exponent_one():
    assert fit_log_linear(ROWS, [3e-5 * n for n in ROWS]).exponent == pytest.approx(1.0)

"""How a number grows or falls with the number of train rows."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import OptimizeWarning, curve_fit
from scipy.stats import t as student

CONFIDENCE = 0.95


class Fit(NamedTuple):
    """A fitted law.

    Attributes:
      form: `"power law"`, floor + scale * rows**exponent, or `"log-linear"`, the same without a
        floor, which is a straight line in logarithms.
      exponent: of the rows.
      half_width: of the exponent's 95 % interval by Student's distribution; None if no more points
        than parameters are there.
      floor: where the power law ends; 0 of a log-linear one.
      scale: in the unit of the fitted numbers.
      num_points: that were fitted.
    """

    form: str
    exponent: float
    half_width: float | None
    floor: float
    scale: float
    num_points: int

    def at(self, rows: np.ndarray) -> np.ndarray:
        """Returns the law's values, float64 like `rows`."""
        return self.floor + self.scale * rows**self.exponent


def fit_log_linear(rows: Sequence[float], values: Sequence[float]) -> Fit | None:
    """Fits scale * rows**exponent by least squares in logarithms.

    Args:
      rows: train rows, above 0.
      values: numbers above 0.

    Returns:
      the fit; None with fewer than three different numbers of rows, or a value that is not above 0.
    """
    if len(set(rows)) < 3 or min(values) <= 0:
        return None
    x, y = np.log(np.asarray(rows, np.float64)), np.log(np.asarray(values, np.float64))
    centered = x - x.mean()
    exponent = float(centered @ y / (centered @ centered))
    intercept = float(y.mean() - exponent * x.mean())
    residuals = y - intercept - exponent * x
    freedom = len(x) - 2
    error = np.sqrt(residuals @ residuals / freedom / (centered @ centered))
    return Fit("log-linear", exponent, _half_width(error, freedom), 0.0, np.exp(intercept), len(x))


def fit_power_law(rows: Sequence[float], values: Sequence[float]) -> Fit | None:
    """Fits floor + scale * rows**exponent with an exponent below 0 and a floor of at least 0.

    Scaling of the loss with data as of Hestness et al. 2017, section 3. With three sizes, or where
    the three parameters cannot be told apart, it is the log-linear law.

    Returns:
      the fit; None with fewer than three different numbers of rows.
    """
    start = fit_log_linear(rows, values)
    if start is None or len(set(rows)) < 4:
        return start
    x = np.asarray(rows, np.float64) / min(rows)
    y = np.asarray(values, np.float64)
    first = (0.8 * y.min(), max(y.max() - 0.8 * y.min(), 1e-9), 0.3)
    bounds = ([0.0, 0.0, 0.0], [np.inf, np.inf, 10.0])
    try:
        found, covariance = _quiet_fit(x, y, first, bounds)
    except (RuntimeError, OptimizeWarning):
        return start
    floor, scale, exponent = map(float, found)
    error = float(np.sqrt(covariance[2, 2]))
    falls_by = scale * (1.0 - x.max() ** -exponent)
    at_an_edge = exponent > 9.99 or falls_by < 1e-6 * y.max() or not np.isfinite(error)
    if at_an_edge:
        return start
    freedom = len(x) - 3
    scale *= min(rows) ** exponent
    return Fit("power law", -exponent, _half_width(error, freedom), floor, scale, len(x))


def _quiet_fit(
    x: np.ndarray, y: np.ndarray, first: tuple[float, ...], bounds: Any
) -> tuple[np.ndarray, np.ndarray]:
    def law(n: np.ndarray, floor: float, scale: float, exponent: float) -> np.ndarray:
        return floor + scale * n**-exponent

    tight = 1e-12
    return curve_fit(law, x, y, first, bounds=bounds, ftol=tight, xtol=tight, gtol=tight)


def _half_width(error: float, freedom: int) -> float | None:
    if freedom < 1:
        return None
    return float(student.ppf(0.5 + CONFIDENCE / 2, freedom) * error)

"""Stochastic rounding to few bits, one value at a time."""

import math

import numpy as np


def slow_round(
    values: np.ndarray, uniform: np.ndarray, mantissa_bits: int, min_exponent: int
) -> np.ndarray:
    """Up with the chance that the distance from the number below says, else down."""
    rounded = []
    for value, u in zip(values.ravel().tolist(), uniform.ravel().tolist(), strict=True):
        exponent = math.floor(math.log2(abs(value))) if value else min_exponent
        spacing = 2.0 ** (max(exponent, min_exponent) - mantissa_bits)
        below = math.floor(value / spacing)
        rounded.append(spacing * (below + (u >= 1 - (value / spacing - below))))
    return np.array(rounded).reshape(values.shape)

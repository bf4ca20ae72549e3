"""Holm's correction for several comparisons (Holm 1979)."""

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Returns adjusted p-values, float64 `[num_comparisons]`, in the order of `p_values`.

    Calling those below a level different makes a single false call with that probability at most,
    whatever the number of comparisons and however they depend on each other. The smallest of m is
    multiplied by m, the next one by m - 1 and so on; none is smaller than the one before it, none
    larger than 1.
    """
    raw = np.asarray(p_values, np.float64)
    order = np.argsort(raw, kind="stable")
    factors = np.arange(len(raw), 0, -1)
    adjusted = np.empty(len(raw))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(raw[order] * factors))
    return adjusted

"""Rows that look like the Criteo challenge's: how they are drawn.

Every constant here is a statistic of 110,000 rows, in time order, of the Criteo Display Advertising
Challenge: rates, means, deviations and power laws, and the published numbers of categories.
Features are drawn independently of each other; only missing values come in groups, as there.

Rows are drawn in blocks of `BLOCK_ROWS`, each from a counter-based generator (Philox; Salmon et al.
2011, Parallel random numbers: as easy as 1, 2, 3) keyed by seed and block. A row is integer
arithmetic on its raw output and on tables of quantiles. The tables come from exponentials, powers
and logarithms in float64, rounded to integers, which hides nearly all of the last bits in which
machines differ; the tests see equal bytes with and without the vector units of a CPU.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.criteo import CATEGORICAL_FEATURES, DENSE_FEATURES

BLOCK_ROWS = 16_384
# Streams of a seed: rows use their block's index, all else one from the far end.
SPELLING_STREAM, MODEL_STREAM, PILOT_BLOCK = 2**64 - 1, 2**64 - 2, 2**64 - 3

MISSING_VALUE = -(2**31)
MISSING_RANK = 2**32 - 1

# Features that are missing together, with their rate.
MISSING_RATES: tuple[tuple[tuple[str, ...], float], ...] = (
    (("I1", "I10"), 0.4533),
    (("I3",), 0.2113),
    (("I4", "I13"), 0.2132),
    (("I5",), 0.0260),
    (("I6",), 0.2232),
    (("I7", "I9", "I11"), 0.0423),
    (("I8",), 0.0005),
    (("I12",), 0.7685),
    (("C3", "C4", "C12", "C16", "C21", "C24"), 0.0350),
    (("C6",), 0.1233),
    (("C19", "C20", "C25", "C26"), 0.4406),
    (("C22",), 0.7606),
)

# Mean and deviation of log(1 + value), largest value.
INTEGER_SHAPES: dict[str, tuple[float, float, int]] = {
    "I1": (0.88, 0.98, 425),
    "I2": (2.10, 2.11, 9_814),
    "I3": (2.15, 1.19, 38_443),
    "I4": (1.70, 0.91, 349),
    "I5": (7.28, 2.93, 2_071_071),
    "I6": (3.40, 1.76, 111_105),
    "I7": (1.63, 1.37, 6_498),
    "I8": (2.04, 1.15, 1_689),
    "I9": (3.53, 1.62, 9_465),
    "I10": (0.40, 0.40, 7),
    "I11": (0.92, 0.77, 122),
    "I12": (0.29, 0.62, 193),
    "I13": (1.73, 0.96, 1_574),
}
# Share of the values of I2 that are -2 or less, and -1 or less.
NEGATIVE_SHARES = (0.0005, 0.103)

# Number of categories, exponent s and offset q of the power law: the share of the category at rank
# r (from 0) falls as (r + q)**-s (Zipf-Mandelbrot).
CATEGORY_SHAPES: dict[str, tuple[int, float, float]] = {
    "C1": (1_460, 2.0, 0.99),
    "C2": (583, 1.51, 6.69),
    "C3": (10_131_227, 1.05, 4.73),
    "C4": (2_202_608, 1.12, 4.51),
    "C5": (305, 2.58, 0.97),
    "C6": (24, 4.0, 4.5),
    "C7": (12_517, 1.12, 30.4),
    "C8": (633, 2.29, 0.99),
    "C9": (3, 4.0, 1.0),
    "C10": (93_145, 0.956, 0.037),
    "C11": (5_683, 1.10, 12.4),
    "C12": (8_351_593, 1.06, 4.10),
    "C13": (3_194, 1.08, 9.95),
    "C14": (27, 4.0, 6.5),
    "C15": (14_992, 1.51, 58.0),
    "C16": (5_461_306, 1.10, 6.11),
    "C17": (10, 1.04, 0.25),
    "C18": (5_652, 1.52, 20.9),
    "C19": (2_173, 1.05, 0.0003),
    "C20": (4, 0.0, 1.0),
    "C21": (7_046_547, 1.08, 4.86),
    "C22": (18, 4.0, 3.0),
    "C23": (15, 3.85, 4.81),
    "C24": (286_181, 1.21, 2.83),
    "C25": (105, 6.62, 17.9),
    "C26": (142_572, 1.14, 2.53),
}

_NUM_CELLS = 2**16

UInt32 = npt.NDArray[np.uint32]


@dataclass(frozen=True)
class Rows:
    """Raw rows before they are text.

    Attributes:
      integers: feature -> int32 `[num_rows]`; missing ones are `MISSING_VALUE`.
      ranks: feature -> uint32 `[num_rows]`, rank of the category in its power law from 0; missing
        ones are `MISSING_RANK`.
      label_draws: uint32 `[num_rows]`, uniform; the label is 1 where the draw, as a share of 2**32,
        is below the probability of a click.
    """

    integers: dict[str, npt.NDArray[np.int32]]
    ranks: dict[str, UInt32]
    label_draws: UInt32


def philox(seed: int, stream: int) -> np.random.Philox:
    """Returns the generator of a stream of a seed; only its raw output is used."""
    return np.random.Philox(key=np.array([seed, stream], dtype=np.uint64))


def _category_quantiles(num_values: int, exponent: float, offset: float) -> npt.NDArray[Any]:
    """Returns the rank at each of 2**16 + 1 quantiles of the power law, int64."""
    power = 1.0 - exponent
    if abs(power) < 1e-6:  # the integral is a logarithm there, and this close enough to it
        power = 1e-6
    first, last = offset**power, (num_values + offset) ** power
    share = np.arange(_NUM_CELLS + 1) / _NUM_CELLS
    ranks = (first + share * (last - first)) ** (1.0 / power) - offset
    return np.clip(np.floor(ranks), 0, num_values - 1).astype(np.int64)


def _normal_quantiles() -> npt.NDArray[Any]:
    """Returns the standard normal at 2**16 + 1 evenly spaced quantiles, float64."""
    normal, num_quantiles = NormalDist(), _NUM_CELLS + 1
    return np.array([normal.inv_cdf((i + 0.5) / num_quantiles) for i in range(num_quantiles)])


def _integer_quantiles(name: str, normal_quantiles: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Returns the value at each of 2**16 + 1 quantiles of the log-normal, int64."""
    mean, deviation, largest = INTEGER_SHAPES[name]
    logs = np.clip(mean + deviation * normal_quantiles, 0.0, math.log1p(largest))
    values = np.rint(np.expm1(logs)).astype(np.int64)
    if name == "I2":
        for value, share in zip((-1, -2), reversed(NEGATIVE_SHARES), strict=True):
            values[: round(share * _NUM_CELLS)] = value
    return values


def _at_quantile(draws: UInt32, quantiles: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Interpolates `quantiles` at uniform draws: 16 bits choose the cell, 16 the place in it."""
    cells = (draws >> np.uint32(16)).astype(np.intp)
    low = quantiles.take(cells)
    width = quantiles.take(cells + 1) - low
    return low + ((width * (draws & np.uint32(0xFFFF))) >> 16)


class RowSource:
    """Draws the rows of one seed, block by block.

    Args:
      seed: chooses the rows.
      category_skew: the exponents of the power laws are multiplied by it.
    """

    def __init__(self, seed: int, category_skew: float):
        self._seed = seed
        normal = _normal_quantiles()
        self._integer_quantiles = {
            name: _integer_quantiles(name, normal) for name in DENSE_FEATURES
        }
        self._category_quantiles = {
            name: _category_quantiles(num_values, exponent * category_skew, offset)
            for name, (num_values, exponent, offset) in CATEGORY_SHAPES.items()
        }

    def block(self, index: int) -> Rows:
        """Returns the `BLOCK_ROWS` rows of block `index`; the same ones at each call."""
        num_fields = len(DENSE_FEATURES) + len(CATEGORICAL_FEATURES) + 1
        num_groups = len(MISSING_RATES)
        raw = (
            philox(self._seed, index)
            .random_raw(BLOCK_ROWS * (2 * num_fields + num_groups + 3) // 4)
            .astype("<u8")
        )
        draws = raw.view("<u4")[: num_fields * BLOCK_ROWS].reshape(num_fields, BLOCK_ROWS)
        presence = raw.view("<u2")[2 * num_fields * BLOCK_ROWS :].reshape(-1, BLOCK_ROWS)
        fields = dict(zip((*DENSE_FEATURES, *CATEGORICAL_FEATURES), draws, strict=False))
        integers = {
            name: _at_quantile(fields[name], quantiles).astype(np.int32)
            for name, quantiles in self._integer_quantiles.items()
        }
        ranks = {
            name: _at_quantile(fields[name], quantiles).astype(np.uint32)
            for name, quantiles in self._category_quantiles.items()
        }
        for (names, rate), draw in zip(MISSING_RATES, presence, strict=False):
            missing = draw < round(rate * 2**16)
            for name in names:
                if name in integers:
                    integers[name][missing] = MISSING_VALUE
                else:
                    ranks[name][missing] = MISSING_RANK
        return Rows(integers, ranks, draws[-1])

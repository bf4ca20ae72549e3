"""The planted model: the probability of a click, as a function of the raw row alone.

logit = bias + effects of single categories
             + dot products of the latent vectors of pairs of categories
             + smooth effects of integers
             + smooth effects of integers whose slope depends on a category

A missing value has effects of its own. Those of a category shrink with its rank and end at
`MAX_RANKS`: what no number of rows could teach is not planted.

The logit is a multiple of 1 / `LOGIT_STEPS`. Rows are therefore counted by logit, and the best
achievable scores follow from the counts without approximation.

What is added up in a row uses operations that IEEE 754 defines exactly. The scales and the bias are
fitted to the pilot rows and rounded, and the probabilities come from an exponential and are rounded
to multiples of 2**-32: that hides nearly all of the last bits in which machines differ.
"""

import numpy as np
import numpy.typing as npt

from components.synthetic.click_log_rows import (
    BLOCK_ROWS,
    CATEGORY_SHAPES,
    INTEGER_SHAPES,
    MISSING_VALUE,
    MODEL_STREAM,
    Rows,
    philox,
)

# Weights of the categories' own effects. Features that are named nowhere here have no effect:
# with fewer, stronger effects, 100,000 rows are enough to learn most of what can be learnt. C2,
# with hundreds of categories, is the one that suffers when its table is made smaller.
EFFECT_WEIGHTS: dict[str, float] = {
    "C2": 1.1,
    "C6": 0.8,
    "C9": 0.6,
    "C14": 1.0,
    "C17": 1.0,
    "C20": 0.4,
    "C23": 0.8,
}
# Pairs of features whose latent vectors are multiplied.
INTERACTIONS: tuple[tuple[str, str], ...] = (("C17", "C20"),)
# Integers with an effect of their own.
CURVES: tuple[str, ...] = ("I1", "I2", "I5")
# Integers whose slope depends on a category.
SLOPES: tuple[tuple[str, str], ...] = (("I5", "C20"),)

# Standard deviation of the logit that each part contributes.
EFFECT_DEVIATION = 1.1
INTERACTION_DEVIATION = 0.6
INTEGER_DEVIATION = 0.7
SLOPE_DEVIATION = 0.1

MAX_RANKS = 16_384
HALF_RANK = 20.0  # effects fall as 1 / sqrt(1 + rank / HALF_RANK)
LATENT_DIM = 1
CURVATURE = 0.1  # weight of the square of an integer's scaled logarithm
LOGIT_STEPS = 1_024
MAX_LOGIT = 16
_LOGITS = np.arange(-MAX_LOGIT * LOGIT_STEPS, MAX_LOGIT * LOGIT_STEPS + 1) / LOGIT_STEPS
# Rounded to the grid of the draws: a click is a uniform 32-bit draw below its probability.
PROBABILITIES: npt.NDArray[np.float64] = np.rint(2.0**32 / (1.0 + np.exp(-_LOGITS))) / 2.0**32

_SCALE_STEPS = 4_096

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]


class _Normals:
    """Nearly normal numbers that are the same on every machine: sums of four uniform ones."""

    def __init__(self, seed: int):
        self._bits = philox(seed, MODEL_STREAM)

    def draw(self, *shape: int) -> Float32:
        """Returns float32 `shape` with mean 0 and deviation 1."""
        raw = self._bits.random_raw(int(np.prod(shape))).astype("<u8").view("<u2")
        sums = raw.reshape(*shape, 4).astype(np.int64).sum(axis=-1)
        return ((sums - 2 * 65_535) / np.sqrt(65_536.0**2 / 3.0)).astype(np.float32)


def _table_size(feature: str) -> int:
    """Returns 1 for missing, then one for each rank with effects, then 1 for all other ranks."""
    return min(CATEGORY_SHAPES[feature][0], MAX_RANKS) + 2


def _shrinkage(feature: str) -> Float32:
    """Returns the factor of each place of a table, float32 `[table_size, 1]`."""
    ranks = np.arange(_table_size(feature)) - 1.0
    ranks[0] = 0.0
    factors = 1.0 / np.sqrt(1.0 + ranks / HALF_RANK)
    factors[-1] = 0.0
    return factors.astype(np.float32)[:, np.newaxis]


def _places(feature: str, ranks: npt.NDArray[np.uint32]) -> Int64:
    """Returns each category's place in its table; the missing one's rank overflows to place 0."""
    return np.minimum(ranks + np.uint32(1), np.uint32(_table_size(feature) - 1)).astype(np.int64)


def _scaled_integers(feature: str, values: npt.NDArray[np.int32]) -> Float32:
    """Returns about log(3 + value), centred, scaled and cut at -2.5 and 2.5; 0 where missing.

    The logarithm is linear between powers of two: the bits of the float, read as an integer.
    """
    mean, deviation, _ = INTEGER_SHAPES[feature]
    bits = (values + np.int32(3)).astype(np.float32).view(np.int32)
    log2 = bits.astype(np.float32) * np.float32(2.0**-23) - np.float32(127.0)
    ratio = np.float32(deviation * 1.4427)
    scaled = (log2 - np.float32(max(mean, 1.2) * 1.4427)) / ratio
    scaled[values == MISSING_VALUE] = 0.0
    return np.clip(scaled, np.float32(-2.5), np.float32(2.5))


class PlantedModel:
    """Knows the probability of a click of every row.

    Args:
      seed: chooses the effects.
      pilot: rows of the same kind, on which the parts are scaled and the bias is set.
      click_rate: the mean probability on the pilot rows.
      logit_scale: multiplies the deviation of each part: more makes clicks easier to predict.
    """

    def __init__(self, seed: int, pilot: Rows, click_rate: float, logit_scale: float):
        normals = _Normals(seed)
        self._effects = {
            name: (normals.draw(_table_size(name), 1) * _shrinkage(name) * np.float32(weight))[:, 0]
            for name, weight in EFFECT_WEIGHTS.items()
        }
        paired = dict.fromkeys(name for pair in INTERACTIONS for name in pair)
        self._latents = {
            name: normals.draw(_table_size(name), LATENT_DIM) * _shrinkage(name) for name in paired
        }
        self._curves = {name: normals.draw(3) for name in CURVES}
        self._slopes = [normals.draw(_table_size(category)) for _, category in SLOPES]
        deviations = (EFFECT_DEVIATION, INTERACTION_DEVIATION, INTEGER_DEVIATION, SLOPE_DEVIATION)
        self._scales = [
            np.float32(
                round(deviation * logit_scale / float(part.astype(np.float64).std()) * _SCALE_STEPS)
            )
            / np.float32(_SCALE_STEPS)
            for deviation, part in zip(deviations, self._parts(pilot), strict=True)
        ]
        self._bias_steps = self._find_bias(pilot, click_rate)
        self._thresholds = (PROBABILITIES * 2.0**32).astype(np.uint64)

    def _find_bias(self, pilot: Rows, click_rate: float) -> int:
        self._bias_steps = 0
        steps = self.logits(pilot)
        low, high = -MAX_LOGIT * LOGIT_STEPS, MAX_LOGIT * LOGIT_STEPS
        while high - low > 1:
            middle = (low + high) // 2
            shifted = np.clip(steps + middle, 0, len(PROBABILITIES) - 1)
            if PROBABILITIES.take(shifted).mean() < click_rate:
                low = middle
            else:
                high = middle
        return low

    def _parts(self, rows: Rows) -> list[Float32]:
        """Returns the four parts of the logit before scaling, each float32 `[num_rows]`."""
        effects, products, curves, slopes = (np.zeros(BLOCK_ROWS, np.float32) for _ in range(4))
        places = {
            name: _places(name, rows.ranks[name])
            for name in dict.fromkeys((*self._effects, *self._latents, *(c for _, c in SLOPES)))
        }
        for name, effect in self._effects.items():
            effects += effect.take(places[name])
        vectors = {name: table.take(places[name], axis=0) for name, table in self._latents.items()}
        for left, right in INTERACTIONS:
            for column in range(LATENT_DIM):
                products += vectors[left][:, column] * vectors[right][:, column]
        scaled = {
            name: _scaled_integers(name, rows.integers[name])
            for name in dict.fromkeys((*CURVES, *(integer for integer, _ in SLOPES)))
        }
        for name, (slope, curvature, missing) in self._curves.items():
            x = scaled[name]
            curves += slope * x + (curvature * np.float32(CURVATURE)) * (x * x)
            curves[rows.integers[name] == MISSING_VALUE] += missing
        for (integer, category), table in zip(SLOPES, self._slopes, strict=True):
            slopes += table.take(places[category]) * scaled[integer]
        return [effects, products, curves, slopes]

    def logits(self, rows: Rows) -> Int64:
        """Returns where the logit of each row is in `PROBABILITIES`, int64 `[num_rows]`."""
        total = np.zeros(BLOCK_ROWS, np.float32)
        for scale, part in zip(self._scales, self._parts(rows), strict=True):
            total += scale * part
        steps = np.rint(total * np.float32(LOGIT_STEPS)).astype(np.int64) + self._bias_steps
        return np.clip(steps + MAX_LOGIT * LOGIT_STEPS, 0, len(PROBABILITIES) - 1)

    def labels(self, rows: Rows, logits: Int64) -> npt.NDArray[np.bool_]:
        """Returns bool `[num_rows]`: a click where the row's draw is below its probability."""
        clicks: npt.NDArray[np.bool_] = rows.label_draws < self._thresholds.take(logits)
        return clicks

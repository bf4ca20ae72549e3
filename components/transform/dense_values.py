"""Numeric features: raw numbers to dense values and to the ids of their buckets."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from components.transform.config import DenseTreatment, bucket_feature
from components.transform.value_sketch import ValueSketch
from schemas.click_log import MISSING_INTEGER
from schemas.transformed import MISSING_ID

_QUANTILE_STEPS = 100
_FLOAT32_MAX = float(np.finfo(np.float32).max)
_FLOAT32_SMALLEST = float(np.finfo(np.float32).tiny)


class _Scaling:
    """Clips and scales columns of numbers; which column gets what is fixed at construction."""

    def __init__(
        self, treatments: Sequence[DenseTreatment], sketches: Sequence[ValueSketch | None]
    ) -> None:
        bounds = np.array([treatment.bounds for treatment in treatments], np.float64).T
        self._clips = bounds if np.isfinite(bounds).any() else None
        self._is_log = np.array([treatment.scale == "log1p" for treatment in treatments])
        self._is_quantile = np.array([treatment.scale == "quantile" for treatment in treatments])
        no_bounds = np.empty(0)
        self._quantiles = _padded(
            [
                sketch.quantiles(_QUANTILE_STEPS)
                if sketch and treatment.scale == "quantile"
                else no_bounds
                for treatment, sketch in zip(treatments, sketches, strict=True)
            ]
        )

    def clip(self, numbers: tf.Tensor) -> tf.Tensor:
        if self._clips is None:
            return numbers
        return tf.minimum(tf.maximum(numbers, self._clips[0]), self._clips[1])

    def scale(self, clipped: tf.Tensor) -> tf.Tensor:
        scaled = clipped
        if self._is_log.any():
            # In float64, since float32 kernels differ in the last bit between full vectors and
            # remainders: a row's values must not depend on the batch that it is in.
            logs = tf.sign(clipped) * tf.math.log1p(tf.abs(clipped))
            scaled = logs if self._is_log.all() else tf.where(self._is_log, logs, clipped)
        if self._is_quantile.any():
            steps = tf.cast(_num_smaller(self._quantiles, clipped), tf.float64)
            scaled = tf.where(self._is_quantile, steps * (1 / _QUANTILE_STEPS), scaled)
        return scaled


class DenseValues:
    """Dense values, missing indicators and bucket ids of a log's numeric features.

    Attributes:
      width: the number of dense values of a row: one a feature, then the missing indicators.
      bucket_sizes: `<name>_bucket` -> its number of ids, for the features with
        `categorical_buckets`: `MISSING_ID`, then the buckets.
    """

    def __init__(
        self, treatments: Mapping[str, DenseTreatment], sketches: Mapping[str, ValueSketch]
    ) -> None:
        """Works out the constants of the treatments.

        Args:
          treatments: numeric feature -> its treatment, in column order.
          sketches: the values in the train split of the features that `needs_sketch`.
        """
        chosen = list(treatments.values())
        ordered = [sketches[name] if needs_sketch(t) else None for name, t in treatments.items()]
        self._names = list(treatments)
        self._scaling = _Scaling(chosen, ordered)
        self._standard = None
        if any(treatment.standardize for treatment in chosen):
            pairs = zip(chosen, ordered, strict=True)
            self._standard = np.array([_mean_and_factor(*pair) for pair in pairs]).T
        self._indicators = _where(treatment.missing_indicator for treatment in chosen)
        self._bucketed = _where(treatment.categorical_buckets for treatment in chosen)
        num_buckets = [treatment.categorical_buckets or 0 for treatment in chosen]
        self._bounds = _padded([ordered[i].quantiles(num_buckets[i])[:-1] for i in self._bucketed])
        self.width = len(chosen) + len(self._indicators)
        self.bucket_sizes = {
            bucket_feature(self._names[i]): 1 + num_buckets[i] for i in self._bucketed
        }

    def __call__(self, inputs: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns dense values and bucket ids.

        A missing feature is 0 and its indicator 1; so is one that is not finite. No output is NaN
        or infinite.

        Args:
          inputs: numeric feature -> int64 or float32 `[batch]`, with the values of
            `schemas.click_log` for missing ones. Others are ignored.

        Returns:
          float32 `[batch, width]` and int64 `[batch, len(bucket_sizes)]`.
        """
        numbers, missing = _stack([inputs[name] for name in self._names])
        clipped = self._scaling.clip(numbers)
        values = self._scaling.scale(clipped)
        if self._standard is not None:
            values = (values - self._standard[0]) * self._standard[1]
            values = tf.clip_by_value(values, -_FLOAT32_MAX, _FLOAT32_MAX)
        values = tf.cast(tf.where(missing, tf.zeros_like(values), values), tf.float32)
        indicators = tf.cast(tf.gather(missing, self._indicators, axis=1), tf.float32)
        return tf.concat([values, indicators], axis=1), self._bucket_ids(clipped, missing)

    def _bucket_ids(self, clipped: tf.Tensor, missing: tf.Tensor) -> tf.Tensor:
        if not len(self._bucketed):
            return tf.zeros([tf.shape(clipped)[0], 0], tf.int64)
        buckets = _num_smaller(self._bounds, tf.gather(clipped, self._bucketed, axis=1))
        is_missing = tf.gather(missing, self._bucketed, axis=1)
        return tf.where(is_missing, tf.constant(MISSING_ID, tf.int64), buckets + MISSING_ID + 1)


def needs_sketch(treatment: DenseTreatment) -> bool:
    """Returns whether a treatment depends on the values in the train split."""
    return (
        treatment.standardize
        or treatment.scale == "quantile"
        or treatment.categorical_buckets is not None
    )


def _where(flags: Iterable[object]) -> np.ndarray:
    """Returns the positions of what is true, int64."""
    return np.array([i for i, flag in enumerate(flags) if flag], np.int64)


def _stack(columns: Sequence[tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns float64 numbers (0 where missing) and what is missing, both `[batch, features]`."""
    integers = [i for i, column in enumerate(columns) if column.dtype == tf.int64]
    floats = [i for i, column in enumerate(columns) if column.dtype != tf.int64]
    numbers, missing = [], []
    if integers:
        stacked = tf.stack([columns[i] for i in integers], axis=1)
        missing.append(tf.equal(stacked, MISSING_INTEGER))
        numbers.append(tf.cast(stacked, tf.float64))
    if floats:
        stacked = tf.stack([columns[i] for i in floats], axis=1)
        missing.append(tf.logical_not(tf.math.is_finite(stacked)))
        # Whether a processor takes a denormal number for 0 depends on its mode.
        is_zero = tf.abs(stacked) < _FLOAT32_SMALLEST
        numbers.append(tf.cast(tf.where(is_zero, tf.zeros_like(stacked), stacked), tf.float64))
    all_missing, all_numbers = tf.concat(missing, axis=1), tf.concat(numbers, axis=1)
    if integers and floats:
        order = np.argsort(integers + floats)
        all_missing = tf.gather(all_missing, order, axis=1)
        all_numbers = tf.gather(all_numbers, order, axis=1)
    return tf.where(all_missing, tf.zeros_like(all_numbers), all_numbers), all_missing


def _mean_and_factor(treatment: DenseTreatment, sketch: ValueSketch | None) -> tuple[float, float]:
    """Returns the mean of the scaled values and 1 / their standard deviation.

    A feature whose values are all alike becomes 0, one without any value stays as it is.
    """
    if sketch is None or not treatment.standardize or not len(sketch.counts):
        return 0.0, 1.0
    scaling = _Scaling([treatment], [sketch])
    numbers = tf.constant(sketch.values()[:, np.newaxis])
    scaled = scaling.scale(scaling.clip(numbers)).numpy()[:, 0]
    if scaled.min() == scaled.max():
        return float(scaled[0]), 0.0
    num_values = int(sketch.counts.sum())
    # Sums that are rounded once do not depend on the vector units of the processor.
    mean = math.fsum(sketch.counts * scaled) / num_values
    variance = math.fsum(sketch.counts * np.square(scaled - mean)) / num_values
    return mean, 1 / math.sqrt(variance)


def _padded(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Returns the bounds of several features, float64 `[features, most bounds]`, infinity after."""
    padded = np.full([len(rows), max(map(len, rows), default=0)], np.inf)
    for row, bounds in zip(padded, rows, strict=True):
        row[: len(bounds)] = bounds
    return padded


def _num_smaller(bounds: np.ndarray, numbers: tf.Tensor) -> tf.Tensor:
    """Returns how many bounds of its column each number exceeds, int64 `[batch, features]`."""
    smaller = tf.searchsorted(bounds, tf.transpose(numbers), side="left", out_type=tf.int64)
    return tf.transpose(smaller)

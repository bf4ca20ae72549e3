"""The preprocessing as a TensorFlow graph: what training, evaluation and serving all run."""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from components.transform.config import TransformConfig
from components.transform.vocabulary import PackedVocabulary
from schemas.criteo import (
    CATEGORICAL,
    CATEGORICAL_FEATURES,
    DENSE,
    DENSE_FEATURES,
    MISSING_CATEGORY,
    MISSING_ID,
    MISSING_INTEGER,
    NUM_RESERVED_IDS,
    OUT_OF_VOCABULARY_ID,
)

PreprocessingFn = Callable[[Mapping[str, tf.Tensor]], dict[str, tf.Tensor]]


def dense_vector(integers: tf.Tensor) -> tf.Tensor:
    """Returns log-scaled values and missing indicators.

    A value x becomes sign(x) * log(1 + |x|), so negative ones (I2 has some) stay apart from 0. A
    missing one becomes 0 with its indicator at 1.

    Args:
      integers: int64 `[batch, num_features]`; missing ones are `MISSING_INTEGER`.

    Returns:
      float32 `[batch, 2 * num_features]`: all values, then all indicators.
    """
    missing = tf.equal(integers, MISSING_INTEGER)
    # In float64, since float32 kernels differ in the last bit between full vectors and remainders:
    # a row's values must not depend on the batch that it is in.
    values = tf.cast(tf.where(missing, tf.zeros_like(integers), integers), tf.float64)
    scaled = tf.cast(tf.sign(values) * tf.math.log1p(tf.abs(values)), tf.float32)
    return tf.concat([scaled, tf.cast(missing, tf.float32)], axis=1)


def _keys(categories: tf.Tensor) -> tf.Tensor:
    """Returns `feature:value` for string `[batch, num_features]`, so that one table serves all."""
    prefixes = tf.constant([[f"{feature}:" for feature in CATEGORICAL_FEATURES]])
    return tf.add(prefixes, categories)


def vocabulary_ids(categories: tf.Tensor, vocabulary: PackedVocabulary) -> tf.Tensor:
    """Looks each value up among the values of its feature.

    Args:
      categories: string `[batch, num_features]`; missing ones are empty.
      vocabulary: the values of all features.

    Returns:
      int64 `[batch, num_features]` in `[0, vocabulary_size)` of each feature: `MISSING_ID`,
      `OUT_OF_VOCABULARY_ID`, then the vocabulary, most frequent first.
    """
    initializer = tf.lookup.TextFileInitializer(
        vocabulary.path,
        key_dtype=tf.string,
        key_index=tf.lookup.TextFileIndex.WHOLE_LINE,
        value_dtype=tf.int64,
        value_index=tf.lookup.TextFileIndex.LINE_NUMBER,
    )
    table = tft.make_and_track_object(
        lambda: tf.lookup.StaticHashTable(initializer, default_value=-1), name="vocabulary"
    )
    lines = table.lookup(_keys(categories))
    counts = [vocabulary.num_values[feature] for feature in CATEGORICAL_FEATURES]
    first_lines = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
    known = lines - first_lines[np.newaxis, :] + NUM_RESERVED_IDS
    ids = tf.where(lines < 0, tf.constant(OUT_OF_VOCABULARY_ID, tf.int64), known)
    return _with_missing(categories, ids)


def hashed_ids(categories: tf.Tensor, num_hash_buckets: int) -> tf.Tensor:
    """Hashes each value, salted with the name of its feature.

    Args:
      categories: string `[batch, num_features]`; missing ones are empty.
      num_hash_buckets: the number of buckets of each feature.

    Returns:
      int64 `[batch, num_features]`: `MISSING_ID`, or a bucket plus `NUM_RESERVED_IDS`.
    """
    buckets = tf.strings.to_hash_bucket_fast(_keys(categories), num_hash_buckets)
    return _with_missing(categories, buckets + NUM_RESERVED_IDS)


def _with_missing(categories: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
    missing = tf.equal(categories, MISSING_CATEGORY)
    return tf.where(missing, tf.constant(MISSING_ID, tf.int64), ids)


def vocabulary_sizes(
    config: TransformConfig, vocabulary: PackedVocabulary | None
) -> dict[str, int]:
    """Returns feature name -> number of ids, reserved ones included."""
    if vocabulary is None:
        return dict.fromkeys(CATEGORICAL_FEATURES, config.num_hash_buckets + NUM_RESERVED_IDS)
    return {name: count + NUM_RESERVED_IDS for name, count in vocabulary.num_values.items()}


def make_preprocessing_fn(
    config: TransformConfig, vocabulary: PackedVocabulary | None
) -> PreprocessingFn:
    """Returns the `preprocessing_fn` for TFT.

    Args:
      config: how features are treated.
      vocabulary: the values found in the train split, or None for hashing.

    Returns:
      a function from raw features, each `[batch]`, to `DENSE` (float32 `[batch, 26]`) and
      `CATEGORICAL` (int64 `[batch, 26]`).
    """

    def preprocessing_fn(inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        integers = tf.stack([inputs[name] for name in DENSE_FEATURES], axis=1)
        categories = tf.stack([inputs[name] for name in CATEGORICAL_FEATURES], axis=1)
        if vocabulary is None:
            ids = hashed_ids(categories, config.num_hash_buckets)
        else:
            ids = vocabulary_ids(categories, vocabulary)
        return {DENSE: dense_vector(integers), CATEGORICAL: ids}

    return preprocessing_fn

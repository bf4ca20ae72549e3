"""The preprocessing of raw rows: what training, evaluation and serving all run."""

from collections.abc import Mapping

import tensorflow as tf
import tensorflow_transform as tft

from components.features import Features
from components.transform.categorical_ids import CategoricalIds, make_table
from components.transform.config import TransformConfig
from components.transform.dense_values import DenseValues
from components.transform.value_sketch import ValueSketch
from components.transform.vocabulary import PackedVocabulary
from schemas.click_log import ClickLog
from schemas.transformed import CATEGORICAL, DENSE


class Preprocessing:
    """All that turns raw rows into transformed ones.

    Attributes:
      click_log: the layout of the raw rows.
      dense: raw numbers to dense values and bucket ids; None where the log has no numeric feature.
      ids: raw categories to ids.
      vocabulary_path: the packed vocabulary, None where no feature has one.
    """

    def __init__(
        self,
        click_log: ClickLog,
        config: TransformConfig,
        vocabulary: PackedVocabulary | None,
        dense_statistics: Mapping[str, ValueSketch],
    ) -> None:
        """Works out the constants of the treatments.

        Args:
          click_log: the layout of the raw rows.
          config: how features are treated.
          vocabulary: the values found in the train split, None where no feature has a vocabulary.
          dense_statistics: of `dense_statistics.find_dense_statistics`.
        """
        self.click_log = click_log
        treatments = config.dense_treatments(click_log)
        self.dense = DenseValues(treatments, dense_statistics) if treatments else None
        self.ids = CategoricalIds(config.categorical_treatments(click_log), vocabulary)
        self.vocabulary_path = vocabulary.path if vocabulary else None

    @property
    def features(self) -> Features:
        """The features before and after."""
        return Features(
            click_log=self.click_log,
            dense_width=self.dense.width if self.dense else 0,
            vocabulary_sizes={**self.ids.sizes, **self._bucket_sizes},
        )

    @property
    def num_oov_ids(self) -> dict[str, int]:
        """The transformed categorical features as in `CategoricalIds.num_oov_ids`."""
        return {**self.ids.num_oov_ids, **dict.fromkeys(self._bucket_sizes, 0)}

    @property
    def _bucket_sizes(self) -> dict[str, int]:
        return self.dense.bucket_sizes if self.dense else {}

    def preprocessing_fn(self, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The `preprocessing_fn` of TFT.

        Args:
          inputs: raw feature -> `[batch]`, as in `schemas.click_log.raw_feature_spec`.

        Returns:
          `DENSE`, float32 `[batch, dense_width]` (left out where the log has no numeric feature),
          and `CATEGORICAL`, int64 `[batch, num_features]`: the categorical features, then the
          buckets of the numeric ones.
        """
        names = self.click_log.categorical_features
        values = tf.stack([inputs[name] for name in names], axis=1)
        lookup = None
        path = self.vocabulary_path
        if path is not None:
            table = tft.make_and_track_object(lambda: make_table(path), name="vocabulary")
            lookup = table.lookup
        columns = tf.range(len(names), dtype=tf.int64)[tf.newaxis]
        ids = self.ids(values, columns, lookup)
        if self.dense is None:
            return {CATEGORICAL: ids}
        dense, bucket_ids = self.dense(inputs)
        return {DENSE: dense, CATEGORICAL: tf.concat([ids, bucket_ids], axis=1)}

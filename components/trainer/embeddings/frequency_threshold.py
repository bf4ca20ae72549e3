"""Frequent ids keep their rows; all rare ones share one: the control of every comparison."""

import math

import tensorflow as tf

from components.trainer.embeddings.parts.id_map import IdMap
from components.trainer.method_config import SizedConfig


class FrequencyThreshold(IdMap):
    """`id' = min(id, k)` with `k = ceil(vocabulary_size / compression_ratio) - 1`.

    The ids of a vocabulary are in the order of falling counts, so the ids below `k` are the most
    frequent ones. (Hashed features have no such order: there it keeps arbitrary ids.)

    Source: a plain count threshold, as in the Criteo preprocessing of facebookresearch/dlrm and
    NVIDIA's DeepLearningExamples.

    Parameters: `ceil(vocabulary_size / compression_ratio)` rows of what embeds the mapped ids.
    """

    Config = SizedConfig

    def __init__(self, vocabulary_size: int, config: SizedConfig) -> None:
        super().__init__(vocabulary_size, config)
        self.num_ids = math.ceil(vocabulary_size / config.compression_ratio)

    def __call__(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns `min(id, num_ids - 1)`."""
        return tf.minimum(ids, tf.constant(self.num_ids - 1, ids.dtype))

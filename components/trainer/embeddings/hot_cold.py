"""Frequent ids have rows of their own; rare ones share a few rows by hash."""

import math

import numpy as np
import tensorflow as tf
from pydantic import Field

from components.trainer.embeddings.base import Embedding
from components.trainer.embeddings.parts.universal_hash import UniversalHash
from components.trainer.method_config import SizedConfig


class HotColdConfig(SizedConfig):
    """Options of `HotCold`.

    Attributes:
      hot_fraction: the part of the rows that belongs to one id each. With 1 all other ids share
        a single row; with 0 all ids are hashed.
    """

    hot_fraction: float = Field(default=0.7, ge=0, le=1, allow_inf_nan=False)


class HotCold(Embedding):
    """`e(id) = W[id]` if `id < k`, else `W[k + h(id)]`.

    `W` has `n = ceil(vocabulary_size / compression_ratio)` rows, `k = min(floor(hot_fraction * n),
    n - 1)` of them exact. The ids of a vocabulary are in the order of falling counts, so the ids
    below `k` are the most frequent ones. (Hashed features have no such order: there it keeps
    arbitrary ids.) `h` is a `UniversalHash` to the other `n - k` rows. Where `n` rows are enough
    for all ids, all are exact.

    Source: the offline separation of Zhang et al. 2024, "CAFE: Towards Compact, Adaptive, and Fast
    Embedding for Large-scale Recommendation Models", with which the paper compares its online
    one. It ranks by the counts of the whole data, as a vocabulary does. The authors give the hot
    rows 0.3 of the memory at ratio 2, 0.5 at 10, 0.7 at 100 and 0.9 at 10,000 on Criteo's data.

    Parameters: `ceil(vocabulary_size / compression_ratio) * embedding_dim`.
    """

    Config = HotColdConfig

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        config: HotColdConfig,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(vocabulary_size, embedding_dim, config, rng)
        num_rows = math.ceil(vocabulary_size / config.compression_ratio)
        is_exact = num_rows == vocabulary_size
        hot_rows = min(math.floor(config.hot_fraction * num_rows), num_rows - 1)
        self._num_hot = vocabulary_size if is_exact else hot_rows
        self._hash = UniversalHash.draw(max(1, num_rows - self._num_hot), rng)
        self.add_table(num_rows, embedding_dim)

    def rows(self, ids: tf.Tensor) -> list[tf.Tensor]:
        """Returns the own or the shared row of each id, int64 `[batch]`."""
        ids = tf.cast(ids, tf.int64)
        return [tf.where(ids < self._num_hot, ids, self._num_hot + self._hash(ids))]

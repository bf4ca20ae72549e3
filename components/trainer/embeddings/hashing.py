"""The hashing trick: ids share the rows of a smaller table."""

import math

import numpy as np
import tensorflow as tf

from components.trainer.embeddings.base import Embedding
from components.trainer.embeddings.parts.universal_hash import UniversalHash
from components.trainer.method_config import SizedConfig


class Hashing(Embedding):
    """`e(id) = W[h(id)]` with a table of `num_buckets = ceil(vocabulary_size / ratio)` rows.

    `h` is a `UniversalHash` drawn for each feature, so the pairs that collide differ from feature
    to feature.

    Source: Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning",
    section 2, on the one-hot vector of an id and without the sign hash, as embedding tables use
    it (Shi et al. 2020, section 2).

    Parameters: `ceil(vocabulary_size / compression_ratio) * embedding_dim`.
    """

    Config = SizedConfig

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        config: SizedConfig,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(vocabulary_size, embedding_dim, config, rng)
        num_buckets = math.ceil(vocabulary_size / config.compression_ratio)
        self._hash = UniversalHash.draw(num_buckets, rng)
        self.add_table(num_buckets, embedding_dim)

    def rows(self, ids: tf.Tensor) -> list[tf.Tensor]:
        """Returns the row that each id hashes to, int64 `[batch]`."""
        return [self._hash(ids)]

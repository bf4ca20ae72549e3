"""Vectors that codes name: what product quantization serves."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from components.trainer.embeddings.base import Embedding
from components.trainer.method_config import MethodConfig


class CodedVectors(Embedding):
    """`e(id)` is `C[g, codes[id, g]]` for all groups `g`, side by side.

    Bytes: `vocabulary_size * num_groups + 4 * num_groups * num_centroids * width`.
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        shape: tuple[int, int, int],
        rng: np.random.Generator,
    ) -> None:
        """Asks for the centroids and the codes.

        Args:
          vocabulary_size: the number of ids, 1 or more.
          embedding_dim: the width of a vector, at most `num_groups * width`.
          shape: of the centroids: num_groups, num_centroids and width.
          rng: the source of the initial values, which are replaced before anything is served.
        """
        super().__init__(vocabulary_size, embedding_dim, MethodConfig(), rng)
        num_groups, self._num_centroids, width = shape
        self._num_groups = num_groups
        self.add_table(num_groups * self._num_centroids, width, num_lookups=num_groups)
        self.add_array(
            "codes",
            (vocabulary_size, num_groups),
            lambda: tf.zeros((vocabulary_size, num_groups), tf.uint8),
            tf.uint8,
            trainable=False,
        )

    def rows(self, ids: tf.Tensor) -> list[tf.Tensor]:
        """Returns the centroid of each group, int32 `[batch, num_groups]`."""
        codes = tf.cast(tf.gather(self.array("codes"), ids), tf.int32)
        rows = codes + self._num_centroids * tf.range(self._num_groups)
        return [rows[:, 0] if self._num_groups == 1 else rows]

    def combine(self, vectors: Sequence[tf.Tensor], ids: tf.Tensor) -> tf.Tensor:
        """Returns the centroids side by side."""
        [centroids] = vectors
        [table] = self.tables
        joined = tf.reshape(centroids, [-1, self._num_groups * table.width])
        return joined[:, : self.embedding_dim]

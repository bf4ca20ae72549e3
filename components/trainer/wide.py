"""The wide part: a linear model beside the deep one."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
import tf_keras

from components.trainer.embeddings.base import Embedding
from components.trainer.method_config import MethodConfig


class _IdWeight(Embedding):
    """`e(id) = W[id]`, one weight an id, all 0 at first."""

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        config: MethodConfig,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(vocabulary_size, embedding_dim, config, rng)
        self.add_table(vocabulary_size, embedding_dim, low=0.0, high=0.0)


class Wide(tf_keras.layers.Layer):
    """The sum of one weight for each categorical id, plus a linear function of the dense features.

    It starts at 0, so a network starts with the logits that it has without it. The bias is that
    of the top MLP.

    Source: Cheng et al. 2016, "Wide & Deep Learning for Recommender Systems", section 3.1,
    without crossed features. Trained by the optimizers of the deep part, not by FTRL.

    Parameters: `sum(vocabulary_sizes) + dense_width`.

    Attributes:
      id_weights: one embedding of width 1 for each feature; whoever calls this looks them up.
    """

    def __init__(
        self, vocabulary_sizes: Sequence[int], dense_width: int, rng: np.random.Generator
    ) -> None:
        """Makes the variables.

        Args:
          vocabulary_sizes: the number of ids of each categorical feature, in column order.
          dense_width: the width of the dense features; 0 where there is none.
          rng: what `Embedding` takes; all weights start at 0.
        """
        super().__init__()
        self.id_weights = [_IdWeight(size, 1, MethodConfig(), rng) for size in vocabulary_sizes]
        self._dense_weight = self.add_weight(
            name="dense_weight", shape=(dense_width, 1), initializer="zeros"
        )

    def call(self, dense: tf.Tensor, id_weights: Sequence[tf.Tensor]) -> tf.Tensor:
        """Returns what is added to the logits, float32 `[batch]`.

        Args:
          dense: float32 `[batch, dense_width]`.
          id_weights: of each feature the weight of its id, float32 `[batch, 1]`.
        """
        by_id = tf.reduce_sum(tf.concat(id_weights, axis=1), axis=1)
        return by_id + tf.matmul(dense, self._dense_weight)[:, 0]

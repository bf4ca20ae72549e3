"""The wide part: a linear model beside the deep one."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
import tf_keras


class Wide(tf_keras.layers.Layer):
    """The sum of one weight for each categorical id, plus a linear function of the dense features.

    It starts at 0, so a network starts with the logits that it has without it. The bias is that
    of the top MLP. The weights of all features lie in one table behind each other, so a batch
    needs one lookup and one sparse update.

    Source: Cheng et al. 2016, "Wide & Deep Learning for Recommender Systems", section 3.1,
    without crossed features. Trained by the optimizers of the deep part, not by FTRL.

    Parameters: `sum(vocabulary_sizes) + dense_width`.
    """

    def __init__(self, vocabulary_sizes: Sequence[int], dense_width: int) -> None:
        """Makes the variables.

        Args:
          vocabulary_sizes: the number of ids of each categorical feature, in column order.
          dense_width: the width of the dense features; 0 where there is none.
        """
        super().__init__()
        self._num_features = len(vocabulary_sizes)
        self._first_rows = np.cumsum([0, *vocabulary_sizes[:-1]], dtype=np.int64)
        self._table = self.add_weight(
            name="table", shape=(sum(vocabulary_sizes), 1), initializer="zeros"
        )
        self._dense_weight = self.add_weight(
            name="dense_weight", shape=(dense_width, 1), initializer="zeros"
        )

    def call(self, dense: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
        """Returns what is added to the logits, float32 `[batch]`.

        Args:
          dense: float32 `[batch, dense_width]`.
          ids: int32 or int64 `[batch, num_features]`.
        """
        rows = tf.reshape(tf.cast(ids, tf.int64) + self._first_rows, [-1])
        weights = tf.reshape(tf.gather(self._table, rows), [-1, self._num_features])
        return tf.reduce_sum(weights, axis=1) + tf.matmul(dense, self._dense_weight)[:, 0]

    @property
    def embedding_variables(self) -> list[tf.Variable]:
        """The weights of the ids."""
        return [self._table]

    @property
    def dense_variables(self) -> list[tf.Variable]:
        """The weights of the dense features."""
        return [self._dense_weight]

    @property
    def embedding_bytes(self) -> int:
        """The bytes of the weights of the ids."""
        return int(np.prod(self._table.shape)) * self._table.dtype.size

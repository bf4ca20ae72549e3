"""How the vectors of a row meet: from the dense output and all embeddings to the top MLP."""

import abc
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import tensorflow as tf
import tf_keras


class Interaction(tf_keras.layers.Layer, abc.ABC):
    """Joins the vectors of a row; the first of them is the bottom MLP's output."""

    @property
    @abc.abstractmethod
    def output_width(self) -> int:
        """The width of the output, which is the input of the top MLP."""

    @abc.abstractmethod
    def call(self, vectors: Sequence[tf.Tensor]) -> tf.Tensor:
        """Returns float32 `[batch, output_width]` for vectors that are float32 `[batch, width]`."""


@tf.custom_gradient
def pairwise_dots(vectors: tf.Tensor) -> tf.Tensor:
    """Returns the dot products of all pairs of vectors of a row.

    The gradient of a gather is a scatter, which is slow and on a GPU not deterministic. Here it is
    a gather too: with `s_ij = s_ji` the upstream gradient of the pair and `s_ii = 0`, the gradient
    of vector `i` is the sum of `s_ij * vector_j` over `j`, one batched matrix product.

    Args:
      vectors: float32 `[batch, num_vectors, width]` with a static `num_vectors`.

    Returns:
      float32 `[batch, num_vectors * (num_vectors - 1) / 2]` in the order of
      `tfrs.layers.feature_interaction.DotInteraction`: (1, 0), (2, 0), (2, 1), (3, 0) ...
    """
    num_vectors = vectors.shape[1]
    rows, columns = np.tril_indices(num_vectors, -1)
    products = tf.matmul(vectors, vectors, transpose_b=True)
    products = tf.reshape(products, [-1, num_vectors * num_vectors])
    dots = tf.gather(products, rows * num_vectors + columns, axis=1)

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        # The diagonal takes the column of zeros behind the last pair.
        pair_of = np.full((num_vectors, num_vectors), len(rows))
        pair_of[rows, columns] = pair_of[columns, rows] = np.arange(len(rows))
        padded = tf.pad(upstream, [[0, 0], [0, 1]])
        symmetric = tf.gather(padded, pair_of.ravel(), axis=1)
        return tf.matmul(tf.reshape(symmetric, [-1, num_vectors, num_vectors]), vectors)

    return dots, gradient


class DotInteraction(Interaction):
    """The bottom output beside the dot products of all pairs of vectors.

    Source: Naumov et al. 2019, "Deep Learning Recommendation Model for Personalization and
    Recommendation Systems", section 2.1.3. It has no parameters.
    """

    def __init__(self, num_vectors: int, vector_width: int, precision: str = "float32") -> None:
        """Takes the number of vectors of a row, their width, and Keras's policy of precision."""
        super().__init__(dtype=precision)
        self._output_width = vector_width + num_vectors * (num_vectors - 1) // 2

    @property
    def output_width(self) -> int:
        """The width of a vector, and one for each pair."""
        return self._output_width

    def call(self, vectors: Sequence[tf.Tensor]) -> tf.Tensor:
        """Returns `[vectors[0], dot products]`, float32 `[batch, output_width]`."""
        return tf.concat([vectors[0], pairwise_dots(tf.stack(vectors, axis=1))], axis=1)


class Cross(tf_keras.layers.Layer):
    """One cross layer: `first * (current W + b) + current`, products by element.

    The values are those of `tfrs.layers.feature_interaction.Cross`. That layer takes one
    initializer, so both factors of the low-rank form would get one seed; here each has its own.

    Parameters: `width ** 2 + width`; low-rank `2 * width * projection_dim + width`.
    """

    def __init__(
        self,
        width: int,
        projection_dim: int | None,
        rng: np.random.Generator,
        precision: str = "float32",
    ) -> None:
        """Makes the variables.

        Kernels start normal with variance `2 / (inputs + outputs)`, as in torchrec; biases at 0.

        Args:
          width: of the input and the output.
          projection_dim: the rank of `W = U V`; None is a full matrix.
          rng: the source of the initial weights.
          precision: of the arithmetic, a policy of Keras.
        """
        super().__init__(dtype=precision)
        widths = [width, width] if projection_dim is None else [width, projection_dim, width]
        self._kernels = [
            self.add_weight(
                name=f"kernel_{index}",
                shape=shape,
                initializer=tf_keras.initializers.GlorotNormal(int(rng.integers(2**31))),
            )
            for index, shape in enumerate(pairwise(widths))
        ]
        self._bias = self.add_weight(name="bias", shape=(width,), initializer="zeros")

    def call(self, first: tf.Tensor, current: tf.Tensor) -> tf.Tensor:
        """Returns the next layer's input.

        Args:
          first: the input of the whole network, float32 `[batch, width]`.
          current: the output of the layer before, float32 `[batch, width]`.

        Returns:
          float32 `[batch, width]`.
        """
        product = current
        for kernel in self._kernels:
            product = tf.matmul(product, kernel)
        return first * (product + self._bias) + current


class CrossNetwork(Interaction):
    """Cross layers over all vectors side by side.

    Layer `l` makes products of up to `l + 1` features explicit. The top MLP gets the output alone:
    the stacked form, as in DLRM-DCNv2 of MLPerf and torchrec.

    Source: Wang et al. 2021, "DCN V2: Improved Deep & Cross Network and Practical Lessons for
    Web-scale Learning to Rank Systems", equation 1, and equation 2 for the low-rank form.

    Parameters: those of `num_layers` `Cross` layers of width `num_vectors * vector_width`.
    """

    def __init__(
        self,
        num_vectors: int,
        vector_width: int,
        num_layers: int,
        projection_dim: int | None,
        rng: np.random.Generator,
        precision: str = "float32",
    ) -> None:
        """Makes the layers.

        Args:
          num_vectors: of a row.
          vector_width: of each vector.
          num_layers: the number of cross layers.
          projection_dim: the rank of their matrices; None is full.
          rng: the source of the initial weights.
          precision: of the arithmetic, a policy of Keras.
        """
        super().__init__(dtype=precision)
        self._output_width = num_vectors * vector_width
        self._cross_layers = [
            Cross(self._output_width, projection_dim, rng, precision) for _ in range(num_layers)
        ]

    @property
    def output_width(self) -> int:
        """The width of all vectors side by side."""
        return self._output_width

    def call(self, vectors: Sequence[tf.Tensor]) -> tf.Tensor:
        """Returns the last layer's output, float32 `[batch, output_width]`."""
        first = current = tf.concat(vectors, axis=1)
        for layer in self._cross_layers:
            current = layer(first, current)
        return current

"""DLRM (Naumov et al. 2019) as a network whose parts are arguments."""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf
import tensorflow_recommenders as tfrs
import tf_keras

from components.trainer.config import EmbeddingConfig, TrainerConfig
from components.trainer.embeddings.base import Embedding
from components.trainer.registry import load_method
from schemas.transformed import CATEGORICAL, DENSE


class Dlrm(tf_keras.layers.Layer):
    """Dense and categorical features to one logit.

    `top_mlp([x, interaction([x, e_1(id_1), ..., e_n(id_n)])])` with `x = bottom_mlp(dense)`:
    sections 2.1 and 2.2 of the paper.

    Attributes:
      embeddings: one for each categorical feature, in column order.
    """

    def __init__(
        self,
        embeddings: Sequence[Embedding],
        bottom_mlp: tf_keras.layers.Layer,
        interaction: tf_keras.layers.Layer,
        top_mlp: tf_keras.layers.Layer,
    ) -> None:
        """Joins the parts.

        Args:
          embeddings: each gives float32 `[batch, embedding_dim]`.
          bottom_mlp: float32 `[batch, dense_width]` to `[batch, embedding_dim]`.
          interaction: a list of float32 `[batch, embedding_dim]` to `[batch, num_interactions]`.
          top_mlp: float32 `[batch, embedding_dim + num_interactions]` to `[batch, 1]`.
        """
        super().__init__()
        self.embeddings = list(embeddings)
        self._bottom_mlp = bottom_mlp
        self._interaction = interaction
        self._top_mlp = top_mlp

    def call(self, features: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Returns the logits, float32 `[batch]`.

        Args:
          features: `CATEGORICAL`, int32 or int64 `[batch, num_embeddings]`, and `DENSE`, float32
            `[batch, dense_width]`; without it the width is 0.
        """
        no_dense = tf.zeros([tf.shape(features[CATEGORICAL])[0], 0])
        bottom = self._bottom_mlp(features.get(DENSE, no_dense))
        ids = tf.unstack(features[CATEGORICAL], num=len(self.embeddings), axis=1)
        vectors = [embedding(i) for embedding, i in zip(self.embeddings, ids, strict=True)]
        interactions = self._interaction([bottom, *vectors])
        logits = self._top_mlp(tf.concat([bottom, interactions], axis=1))
        return tf.squeeze(logits, axis=1)

    @property
    def embedding_variables(self) -> list[tf.Variable]:
        """The trainable variables of all embeddings."""
        return [v for embedding in self.embeddings for v in embedding.trainable_variables]

    @property
    def mlp_variables(self) -> list[tf.Variable]:
        """The trainable variables of both MLPs."""
        return self._bottom_mlp.trainable_variables + self._top_mlp.trainable_variables

    @property
    def num_parameters(self) -> int:
        """The number of trainable values in the whole network."""
        return sum(int(np.prod(variable.shape)) for variable in self.trainable_variables)

    @property
    def embedding_bytes(self) -> int:
        """The bytes of all embeddings."""
        return sum(embedding.embedding_bytes for embedding in self.embeddings)


def make_mlp(
    input_width: int,
    widths: Sequence[int],
    last_activation: str | None,
    rng: np.random.Generator,
) -> tf_keras.Sequential:
    """Makes dense layers with ReLU between them.

    Weights start normal with variance `2 / (inputs + outputs)`, biases normal with variance
    `1 / outputs`, as in facebookresearch/dlrm.

    Args:
      input_width: the width of the input, float32 `[batch, input_width]`.
      widths: of each layer; the last one is the width of the output.
      last_activation: of the last layer; None is linear.
      rng: the source of the initial weights.
    """
    layers = [tf_keras.Input((input_width,))]
    for width, is_last in zip(widths, [False] * (len(widths) - 1) + [True], strict=True):
        layers.append(
            tf_keras.layers.Dense(
                width,
                activation=last_activation if is_last else "relu",
                kernel_initializer=tf_keras.initializers.GlorotNormal(int(rng.integers(2**31))),
                bias_initializer=tf_keras.initializers.RandomNormal(
                    stddev=width**-0.5, seed=int(rng.integers(2**31))
                ),
            )
        )
    return tf_keras.Sequential(layers)


class LearnedVector(tf_keras.layers.Layer):
    """Stands in for the bottom MLP where a log has no dense feature: one vector for all rows.

    Its dot product with an embedding is a linear term of that feature.
    """

    def __init__(self, embedding_dim: int, rng: np.random.Generator) -> None:
        """Makes the vector, normal with variance `1 / embedding_dim`."""
        super().__init__()
        values = rng.normal(0.0, embedding_dim**-0.5, embedding_dim).astype(np.float32)
        self._vector = tf.Variable(values, name="vector")

    def call(self, dense: tf.Tensor) -> tf.Tensor:
        """Returns the vector for each row of `dense`: float32 `[batch, embedding_dim]`."""
        return tf.repeat(self._vector[None, :], tf.shape(dense)[0], axis=0)


def make_embedding(
    config: TrainerConfig, vocabulary_size: int, rng: np.random.Generator
) -> Embedding:
    """Makes the embedding of one feature: `full` below `min_table_rows`, else the configured."""
    choice = config.embedding
    if vocabulary_size < config.min_table_rows:
        choice = EmbeddingConfig(method="full")
    method = load_method(choice.method)
    return method(vocabulary_size, config.embedding_dim, method.Config(**choice.options), rng)


def make_dlrm(config: TrainerConfig, vocabulary_sizes: Mapping[str, int], dense_width: int) -> Dlrm:
    """Makes the network of a variant; equal arguments give equal weights.

    Args:
      config: the variant.
      vocabulary_sizes: categorical feature -> number of its ids, in column order.
      dense_width: the width of the transformed dense features; 0 where there is none.
    """
    mlp_rng, embedding_rng = np.random.default_rng(config.seed).spawn(2)
    num_vectors = len(vocabulary_sizes) + 1
    num_interactions = num_vectors * (num_vectors - 1) // 2
    dim = config.embedding_dim
    if dense_width:
        bottom_mlp = make_mlp(dense_width, (*config.bottom_mlp, dim), "relu", mlp_rng)
    else:
        bottom_mlp = LearnedVector(dim, mlp_rng)
    return Dlrm(
        embeddings=[make_embedding(config, n, embedding_rng) for n in vocabulary_sizes.values()],
        bottom_mlp=bottom_mlp,
        interaction=tfrs.layers.feature_interaction.DotInteraction(),
        top_mlp=make_mlp(dim + num_interactions, (*config.top_mlp, 1), None, mlp_rng),
    )

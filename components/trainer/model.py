"""DLRM (Naumov et al. 2019) as a network whose parts are arguments."""

from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf
import tf_keras

from components.errors import InputError
from components.trainer.config import EmbeddingConfig, TrainerConfig
from components.trainer.embeddings.base import Embedding
from components.trainer.interaction import CrossNetwork, DotInteraction, Interaction
from components.trainer.registry import load_method
from components.trainer.wide import Wide
from schemas.transformed import CATEGORICAL, DENSE


class Dlrm(tf_keras.layers.Layer):
    """Dense and categorical features to one logit.

    `top_mlp(interaction([x, p_1(e_1(id_1)), ..., p_n(e_n(id_n))]))` with `x = bottom_mlp(dense)`:
    sections 2.1 and 2.2 of the paper, where the projections `p` are identities. Linear parts are
    added to it.

    Attributes:
      embeddings: one for each categorical feature, in column order.
    """

    def __init__(
        self,
        embeddings: Sequence[Embedding],
        projections: Sequence[tf_keras.layers.Layer],
        bottom_mlp: tf_keras.layers.Layer,
        interaction: Interaction,
        top_mlp: tf_keras.layers.Layer,
        linear_parts: Sequence[Wide] = (),
    ) -> None:
        """Joins the parts.

        Args:
          embeddings: each gives float32 `[batch, its embedding_dim]`.
          projections: one for each embedding, to float32 `[batch, embedding_dim]`.
          bottom_mlp: float32 `[batch, dense_width]` to `[batch, embedding_dim]`.
          interaction: a list of float32 `[batch, embedding_dim]`, the bottom MLP's output first, to
            `[batch, output_width]`.
          top_mlp: float32 `[batch, output_width]` to `[batch, 1]`.
          linear_parts: each gives float32 `[batch]` for the features, which is added to the logits.
        """
        super().__init__()
        self.embeddings = list(embeddings)
        self._projections = list(projections)
        self._bottom_mlp = bottom_mlp
        self._interaction = interaction
        self._top_mlp = top_mlp
        self._linear_parts = list(linear_parts)

    def call(self, features: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Returns the logits, float32 `[batch]`.

        Args:
          features: `CATEGORICAL`, int32 or int64 `[batch, num_embeddings]`, and `DENSE`, float32
            `[batch, dense_width]`; without it the width is 0.
        """
        ids = features[CATEGORICAL]
        dense = features.get(DENSE, tf.zeros([tf.shape(ids)[0], 0]))
        columns = tf.unstack(ids, num=len(self.embeddings), axis=1)
        vectors = [
            projection(embedding(column))
            for embedding, projection, column in zip(
                self.embeddings, self._projections, columns, strict=True
            )
        ]
        logits = self._top_mlp(self._interaction([self._bottom_mlp(dense), *vectors]))
        linear = [part(dense, ids) for part in self._linear_parts]
        return tf.add_n([tf.squeeze(logits, axis=1), *linear])

    @property
    def embedding_variables(self) -> list[tf.Variable]:
        """The trainable variables whose rows are looked up by id."""
        tables = [v for embedding in self.embeddings for v in embedding.trainable_variables]
        return tables + [v for part in self._linear_parts for v in part.embedding_variables]

    @property
    def mlp_variables(self) -> list[tf.Variable]:
        """All other trainable variables: every row of the data moves them.

        Those of both MLPs, the interaction, the projections and the dense side of linear parts.
        """
        layers = [self._bottom_mlp, self._interaction, self._top_mlp, *self._projections]
        variables = [v for layer in layers for v in layer.trainable_variables]
        return variables + [v for part in self._linear_parts for v in part.dense_variables]

    @property
    def num_parameters(self) -> int:
        """The number of trainable values in the whole network."""
        return sum(int(np.prod(variable.shape)) for variable in self.trainable_variables)

    @property
    def embedding_bytes(self) -> int:
        """The bytes of all that stands for ids.

        The embeddings, their projections, and the weights that linear parts have for ids.
        """
        variables = [v for layer in self._projections for v in layer.variables]
        sizes = [int(np.prod(v.shape)) * v.dtype.size for v in variables]
        sizes += [embedding.embedding_bytes for embedding in self.embeddings]
        return sum(sizes) + sum(part.embedding_bytes for part in self._linear_parts)


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
    config: TrainerConfig, name: str, vocabulary_size: int, rng: np.random.Generator
) -> Embedding:
    """Makes the embedding of one feature: `full` below `min_table_rows`, else the configured."""
    choice = config.embedding
    if vocabulary_size < config.min_table_rows:
        choice = EmbeddingConfig(method="full")
    method = load_method(choice.method)
    dim = config.embedding_dims.get(name, config.embedding_dim)
    return method(vocabulary_size, dim, method.Config(**choice.options), rng)


def make_projection(
    input_width: int, embedding_dim: int, rng: np.random.Generator
) -> tf_keras.layers.Layer:
    """Makes the way from rows of `input_width` to vectors of `embedding_dim`.

    An identity where both are equal, else a matrix without bias that starts uniform with variance
    `2 / (input_width + embedding_dim)`, as in facebookresearch/dlrm.
    """
    if input_width == embedding_dim:
        return tf_keras.layers.Identity()
    seed = int(rng.integers(2**31))
    projection = tf_keras.layers.Dense(
        embedding_dim,
        use_bias=False,
        kernel_initializer=tf_keras.initializers.GlorotUniform(seed),
    )
    projection.build((None, input_width))
    return projection


def make_interaction(
    config: TrainerConfig, num_vectors: int, rng: np.random.Generator
) -> Interaction:
    """Makes the configured interaction of `num_vectors` vectors of width `embedding_dim`."""
    dim = config.embedding_dim
    if config.interaction == "dot":
        return DotInteraction(num_vectors, dim)
    layers, rank = config.num_cross_layers, config.cross_projection_dim
    return CrossNetwork(num_vectors, dim, layers, rank, rng)


def make_dlrm(config: TrainerConfig, vocabulary_sizes: Mapping[str, int], dense_width: int) -> Dlrm:
    """Makes the network of a variant; equal arguments give equal weights.

    Each kind of part has random numbers of its own: with one seed, the MLPs and tables that two
    architectures share start equal.

    Args:
      config: the variant.
      vocabulary_sizes: categorical feature -> number of its ids, in column order.
      dense_width: the width of the transformed dense features; 0 where there is none.

    Raises:
      InputError: if `embedding_dims` names a feature that is not there.
    """
    _check_features(config, vocabulary_sizes)
    rng = np.random.default_rng(config.seed)
    mlp_rng, embedding_rng, interaction_rng, projection_rng = rng.spawn(4)
    dim = config.embedding_dim
    if dense_width:
        bottom_mlp = make_mlp(dense_width, (*config.bottom_mlp, dim), "relu", mlp_rng)
    else:
        bottom_mlp = LearnedVector(dim, mlp_rng)
    embeddings = [
        make_embedding(config, name, size, embedding_rng) for name, size in vocabulary_sizes.items()
    ]
    interaction = make_interaction(config, len(embeddings) + 1, interaction_rng)
    sizes = list(vocabulary_sizes.values())
    return Dlrm(
        embeddings=embeddings,
        projections=[make_projection(e.embedding_dim, dim, projection_rng) for e in embeddings],
        bottom_mlp=bottom_mlp,
        interaction=interaction,
        top_mlp=make_mlp(interaction.output_width, (*config.top_mlp, 1), None, mlp_rng),
        linear_parts=[Wide(sizes, dense_width)] if config.wide else [],
    )


def _check_features(config: TrainerConfig, vocabulary_sizes: Mapping[str, int]) -> None:
    unknown = sorted(set(config.embedding_dims) - set(vocabulary_sizes))
    if unknown:
        raise InputError(
            f"embedding_dims of variant {config.variant}: expected categorical features of the "
            f"log ({', '.join(vocabulary_sizes)}), received {', '.join(unknown)}"
        )

"""The networks that a configuration can name, made of their parts."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf
import tf_keras

from components.errors import InputError
from components.trainer.config import TrainerConfig
from components.trainer.embeddings.base import Embedding
from components.trainer.initialization import set_starts
from components.trainer.interaction import CrossNetwork, DotInteraction, Interaction
from components.trainer.member import Member
from components.trainer.method_stack import make_embeddings, resolve_size
from components.trainer.model import Dlrm
from components.trainer.tables import EmbeddingTables
from components.trainer.wide import Wide

# Of a member: its MLPs, embeddings, interaction, projections and wide part have one each.
_NUM_SEEDS = 5

_WEIGHTS = {
    "glorot_normal": tf_keras.initializers.GlorotNormal,
    "glorot_uniform": tf_keras.initializers.GlorotUniform,
    "he_normal": tf_keras.initializers.HeNormal,
    "he_uniform": tf_keras.initializers.HeUniform,
}


def make_mlp(
    input_width: int,
    widths: Sequence[int],
    last_activation: str | None,
    rng: np.random.Generator,
    precision: str = "float32",
    start: str = "glorot_normal",
) -> tf_keras.Sequential:
    """Makes dense layers with ReLU between them.

    Biases start normal with variance `1 / outputs`, as in facebookresearch/dlrm.

    Args:
      input_width: the width of the input, float32 `[batch, input_width]`.
      widths: of each layer; the last one is the width of the output.
      last_activation: of the last layer; None is linear.
      rng: the source of the initial weights.
      precision: of the arithmetic, a policy of Keras.
      start: of the weights, `InitializationConfig.mlps`.
    """
    layers = [tf_keras.Input((input_width,))]
    for width, is_last in zip(widths, [False] * (len(widths) - 1) + [True], strict=True):
        layers.append(
            tf_keras.layers.Dense(
                width,
                activation=last_activation if is_last else "relu",
                kernel_initializer=_WEIGHTS[start](int(rng.integers(2**31))),
                bias_initializer=tf_keras.initializers.RandomNormal(
                    stddev=width**-0.5, seed=int(rng.integers(2**31))
                ),
                dtype=precision,
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
        return DotInteraction(num_vectors, dim, config.precision)
    layers, rank = config.num_cross_layers, config.cross_projection_dim
    return CrossNetwork(num_vectors, dim, layers, rank, rng, config.precision)


def make_dlrm(
    config: TrainerConfig,
    vocabulary_sizes: Mapping[str, int],
    dense_width: int,
    make_tables: Callable[[Sequence[Embedding]], EmbeddingTables] = EmbeddingTables,
) -> Dlrm:
    """Makes the network of a variant; equal arguments give equal weights.

    Each kind of part has random numbers of its own: with one seed, the MLPs and tables that two
    architectures share start equal, and so do the members that two ensembles share.

    Args:
      config: the variant.
      vocabulary_sizes: categorical feature -> number of its ids, in column order.
      dense_width: the width of the transformed dense features; 0 where there is none.
      make_tables: makes the tables; `Devices.make_tables` knows those that a device needs.

    Raises:
      InputError: if `embedding_dims` names a feature that is not there.
    """
    _check_features(config, vocabulary_sizes)
    config = resolve_size(config, vocabulary_sizes)
    seed = np.random.SeedSequence(config.seed)
    members = [
        _make_member(config, vocabulary_sizes, dense_width, seed.spawn(_NUM_SEEDS))
        for _ in range(config.ensemble_size)
    ]
    return Dlrm(members, make_tables)


def _make_member(
    config: TrainerConfig,
    vocabulary_sizes: Mapping[str, int],
    dense_width: int,
    seeds: list[np.random.SeedSequence],
) -> Member:
    """Makes a DLRM with random numbers from `_NUM_SEEDS` seeds."""
    embedding_seed = seeds.pop(1)
    mlp_rng, interaction_rng, projection_rng, wide_rng = map(np.random.default_rng, seeds)
    dim = config.embedding_dim
    of_mlps = (mlp_rng, config.precision, config.initialization.mlps)
    if dense_width:
        bottom_mlp = make_mlp(dense_width, (*config.bottom_mlp, dim), "relu", *of_mlps)
    else:
        bottom_mlp = LearnedVector(dim, mlp_rng)
    embeddings = make_embeddings(config, vocabulary_sizes, embedding_seed)
    set_starts(embeddings, config.initialization)
    interaction = make_interaction(config, len(embeddings) + 1, interaction_rng)
    sizes = list(vocabulary_sizes.values())
    return Member(
        embeddings=embeddings,
        projections=[make_projection(e.embedding_dim, dim, projection_rng) for e in embeddings],
        bottom_mlp=bottom_mlp,
        interaction=interaction,
        top_mlp=make_mlp(interaction.output_width, (*config.top_mlp, 1), None, *of_mlps),
        linear_parts=[Wide(sizes, dense_width, wide_rng)] if config.wide else [],
    )


def _check_features(config: TrainerConfig, vocabulary_sizes: Mapping[str, int]) -> None:
    unknown = sorted({*config.embedding_dims, *config.embeddings} - set(vocabulary_sizes))
    if unknown:
        raise InputError(
            f"embedding_dims and embeddings of variant {config.variant}: expected categorical "
            f"features of the log ({', '.join(vocabulary_sizes)}), received {', '.join(unknown)}"
        )

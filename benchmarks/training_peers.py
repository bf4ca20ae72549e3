"""The TensorFlow peers of `benchmarks.training`: Keras embeddings and TFRS's ranking model.

    python -m benchmarks.training_peers keras|tfrs ...

Both are written as their users write them, with the legacy optimizers, which update only the rows
of the batch. The dot interaction is left at its default: `skip_gather=True`, which is meant for
TPUs, took 4 to 23 % longer in all four combinations of peer and MLPs that were tried here.
"""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_recommenders as tfrs
import tf_keras

from benchmarks.training_problem import Batch, Problem, pair_positions
from benchmarks.training_shape import DENSE_WIDTH
from benchmarks.training_worker import Contender, NotOfferedError, Settings, serve_contender


def _set_up(settings: Settings) -> None:
    tf.config.threading.set_intra_op_parallelism_threads(settings.threads)
    tf.config.threading.set_inter_op_parallelism_threads(settings.threads)
    if settings.precision == "bfloat16":
        tf_keras.mixed_precision.set_global_policy("mixed_bfloat16")


def _make_optimizer(settings: Settings) -> tf_keras.optimizers.legacy.Optimizer:
    legacy, rate = tf_keras.optimizers.legacy, settings.learning_rate
    if settings.optimizer == "sgd":
        return legacy.SGD(rate)
    if settings.optimizer == "adagrad":
        return legacy.Adagrad(rate, settings.initial_accumulator_value)
    raise NotOfferedError(f"Keras has no {settings.optimizer}")


def _assign(variables: Sequence[tf.Variable], arrays: Sequence[np.ndarray]) -> None:
    for variable, values in zip(variables, arrays, strict=True):
        variable.assign(values)


def make_keras(problem: Problem, settings: Settings) -> Contender:
    """One Embedding layer a feature, TFRS's dot interaction, one optimizer, one train step."""
    _set_up(settings)
    shape = problem.shape
    layers = tf_keras.layers
    dense = layers.Input((DENSE_WIDTH,))
    ids = [layers.Input((), dtype=tf.int32) for _ in shape.vocabulary_sizes]
    bottom = dense
    for width in (*shape.bottom_mlp, shape.embedding_dim):
        bottom = layers.Dense(width, "relu")(bottom)
    embeddings = [layers.Embedding(size, shape.embedding_dim) for size in shape.vocabulary_sizes]
    vectors = [embedding(column) for embedding, column in zip(embeddings, ids, strict=True)]
    pairs = tfrs.layers.feature_interaction.DotInteraction()([bottom, *vectors])
    top = layers.Concatenate()([bottom, pairs])
    for width in shape.top_mlp:
        top = layers.Dense(width, "relu")(top)
    logit = layers.Dense(1, dtype="float32")(top)
    model = tf_keras.Model([dense, *ids], logit)
    _assign([layer.embeddings for layer in embeddings], list(problem.tables()))
    tables = {layer.embeddings.ref() for layer in embeddings}
    mlps = [v for v in model.trainable_variables if v.ref() not in tables]
    _assign(mlps, problem.bottom_mlp + problem.top_mlp)
    loss_fn = tf_keras.losses.BinaryCrossentropy(from_logits=True)
    optimizer = _make_optimizer(settings)

    def prepare(batch: Batch) -> tuple[Any, ...]:
        columns = [tf.constant(column) for column in batch.categorical.T]
        return [tf.constant(batch.dense), *columns], tf.constant(batch.label[:, None])

    @tf.function(autograph=False)
    def step(inputs: tuple[Any, ...]) -> tf.Tensor:
        features, label = inputs
        with tf.GradientTape() as tape:
            loss = loss_fn(label, model(features, training=True))
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    return Contender(prepare, step, model.count_params(), f"tensorflow {tf.__version__}")


def _tpu_embedding(
    problem: Problem, names: list[str], optimizer: tf_keras.optimizers.legacy.Optimizer
) -> tfrs.layers.embedding.TPUEmbedding:
    embedding = tf.tpu.experimental.embedding
    tables = dict(zip(names, problem.tables(), strict=True))

    def table_config(name: str) -> Any:
        return embedding.TableConfig(
            len(tables[name]),
            problem.shape.embedding_dim,
            initializer=lambda shape, dtype=tf.float32, **_: tf.constant(tables[name]),
            name=name,
        )

    features = {name: embedding.FeatureConfig(table_config(name)) for name in names}
    return tfrs.layers.embedding.TPUEmbedding(features, optimizer)


def _dense_weights(problem: Problem) -> list[np.ndarray]:
    """Returns the weights of the MLPs for TFRS's Ranking, where the bottom MLP's output is last."""
    shape = problem.shape
    positions = pair_positions(np.array([*range(1, shape.num_vectors), 0]))
    first = problem.top_mlp[0]
    dense, pairs = first[: shape.embedding_dim], first[shape.embedding_dim :]
    kernel = np.concatenate([dense, pairs[positions]])
    return [*problem.bottom_mlp, kernel, *problem.top_mlp[1:]]


def make_tfrs(problem: Problem, settings: Settings) -> Contender:
    """TFRS's Ranking with TPUEmbedding, which off TPU is a lookup with a dense-shaped gradient."""
    _set_up(settings)
    shape = problem.shape
    names = [f"C{index:02}" for index in range(1, shape.num_vectors)]
    embedding_optimizer, dense_optimizer = _make_optimizer(settings), _make_optimizer(settings)
    embedding = _tpu_embedding(problem, names, embedding_optimizer)
    blocks = tfrs.layers.blocks
    bottom_widths = [*shape.bottom_mlp, shape.embedding_dim]
    model = tfrs.experimental.models.Ranking(
        embedding,
        bottom_stack=blocks.MLP(bottom_widths, final_activation="relu"),
        feature_interaction=tfrs.layers.feature_interaction.DotInteraction(),
        top_stack=tf_keras.Sequential(
            [
                blocks.MLP(list(shape.top_mlp), final_activation="relu"),
                tf_keras.layers.Dense(1, dtype="float32"),
            ]
        ),
        task=tfrs.tasks.Ranking(
            tf_keras.losses.BinaryCrossentropy(
                from_logits=True, reduction=tf_keras.losses.Reduction.NONE
            )
        ),
    )
    model.compile(
        tfrs.experimental.optimizers.CompositeOptimizer(
            [
                (embedding_optimizer, lambda: model.embedding_trainable_variables),
                (dense_optimizer, lambda: model.dense_trainable_variables),
            ]
        )
    )

    def prepare(batch: Batch) -> tuple[Any, ...]:
        columns = [tf.constant(column) for column in batch.categorical.T]
        features = {
            "dense_features": tf.constant(batch.dense),
            "sparse_features": dict(zip(names, columns, strict=True)),
        }
        return features, tf.constant(batch.label)

    model(prepare(problem.batches[0])[0])
    _assign(model.dense_trainable_variables, _dense_weights(problem))
    step = tf.function(lambda inputs: model.train_step(inputs)["loss"], autograph=False)
    return Contender(prepare, step, model.count_params(), f"tensorflow {tf.__version__}")


if __name__ == "__main__":
    serve_contender({"keras": make_keras, "tfrs": make_tfrs}[sys.argv.pop(1)])

"""Our train step, as a contender of `benchmarks.training`."""

from typing import Any

import tensorflow as tf

from benchmarks.training_problem import Batch, Problem
from benchmarks.training_shape import DENSE_WIDTH
from benchmarks.training_worker import Contender, Settings, serve_contender
from components.trainer.architecture import make_dlrm
from components.trainer.config import TrainerConfig
from components.trainer.optimizer_config import DenseOptimizerConfig, EmbeddingOptimizerConfig
from components.trainer.train_step import TrainStep
from schemas.transformed import CATEGORICAL, DENSE

_NUM_STEPS = 1_000_000  # of the schedule of the learning rate, which stays constant here


def _make_config(problem: Problem, settings: Settings) -> TrainerConfig:
    schedule = {
        "learning_rate": settings.learning_rate,
        "decay": "constant",
        "initial_accumulator_value": settings.initial_accumulator_value,
    }
    # One sum a row is a matter of tables: RWSAdagrad too takes Adagrad for the rest.
    dense = settings.optimizer.removeprefix("rowwise_")
    return TrainerConfig(
        embedding_dim=problem.shape.embedding_dim,
        bottom_mlp=problem.shape.bottom_mlp,
        top_mlp=problem.shape.top_mlp,
        dense_optimizer=DenseOptimizerConfig.model_validate({"name": dense, **schedule}),
        embedding_optimizer=EmbeddingOptimizerConfig.model_validate(
            {"name": settings.optimizer, **schedule}
        ),
        precision="mixed_bfloat16" if settings.precision == "bfloat16" else "float32",
        batch_size=problem.shape.batch_size,
    )


def make_ours(problem: Problem, settings: Settings) -> Contender:
    """Makes the network and the step of the trainer, with the problem's weights."""
    tf.config.threading.set_intra_op_parallelism_threads(settings.threads)
    tf.config.threading.set_inter_op_parallelism_threads(settings.threads)
    config = _make_config(problem, settings)
    sizes = {f"C{i}": size for i, size in enumerate(problem.shape.vocabulary_sizes, start=1)}
    network = make_dlrm(config, sizes, DENSE_WIDTH)
    for embedding, table in zip(network.embeddings, problem.tables(), strict=True):
        network.tables.assign(embedding, [table])
    mlps = problem.bottom_mlp + problem.top_mlp
    for variable, weights in zip(network.dense_variables, mlps, strict=True):
        variable.assign(weights)

    def prepare(batch: Batch) -> tuple[Any, ...]:
        features = {
            DENSE: tf.constant(batch.dense),
            CATEGORICAL: tf.constant(batch.categorical),
        }
        return features, tf.constant(batch.label), tf.ones(len(batch.label))

    step = tf.function(TrainStep(network, config, _NUM_STEPS), autograph=False)
    return Contender(prepare, step, network.num_parameters, f"tensorflow {tf.__version__}")


if __name__ == "__main__":
    serve_contender(make_ours)

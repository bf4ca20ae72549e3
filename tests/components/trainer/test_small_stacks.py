"""Tables that are trained as they are kept; the storages themselves have tests of their own."""

from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from components.errors import InputError
from components.trainer.architecture import make_dlrm
from components.trainer.config import TrainerConfig
from components.trainer.model import Dlrm
from components.trainer.optimizer_config import EmbeddingOptimizerConfig
from components.trainer.optimizers import LearningRate, Optimizer, make_embedding_optimizer
from components.trainer.prescaled_sgd import PrescaledSgd
from components.trainer.tables import EmbeddingTables
from components.trainer.train_step import TrainStep
from schemas.transformed import CATEGORICAL, DENSE
from tests.components.trainer.embeddings.standalone import Standalone, make

METHODS = ("bfloat16", "float16", "int8_trained")
OPTIMIZERS = ("sgd", "adagrad", "rowwise_adagrad", "adam")
NUM_ROWS, WIDTH = 40, 8
# Row 7 is looked up twice in the first step, row 3 in both.
STEPS = [[7, 3, 7, 39], [3, 0, 12, 13]]


def make_optimizer(name: str) -> Optimizer:
    fields = {"name": name, "learning_rate": 0.1, "decay": "constant"}
    config = EmbeddingOptimizerConfig.model_validate(fields | {"initial_accumulator_value": 0.5})
    return make_embedding_optimizer(config, 10, tf.Variable(1.0))


def take_step(tables: EmbeddingTables, optimizer: Optimizer, ids: list[int], step: int) -> None:
    """With the same gradients for the same step."""
    _, update = tables.gather_to_train(tables.rows([tf.constant(ids)]))
    gradient = np.random.default_rng(step).normal(size=(len(ids), 1, WIDTH))
    update(optimizer, [tf.constant(gradient, tf.float32)])


def run(method: str, name: str) -> tuple[Standalone, Optimizer]:
    """Both steps."""
    embedding, optimizer = make(method, NUM_ROWS, WIDTH), make_optimizer(name)
    embedding.tables.use_optimizer(optimizer)
    for step, ids in enumerate(STEPS):
        take_step(embedding.tables, optimizer, ids, step)
    return embedding, optimizer


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize(("method", "error"), [("bfloat16", 1 / 128), ("int8_trained", 1 / 63)])
def test_a_training_is_that_of_float32_but_for_the_rounding(
    method: str, error: float, name: str
) -> None:
    small, _ = run(method, name)
    full, _ = run("full", name)
    [before] = make(method, NUM_ROWS, WIDTH).get_tables()
    [actual], [expected] = small.get_tables(), full.get_tables()
    rows = sorted({row for ids in STEPS for row in ids})
    largest = np.abs(expected[rows]).max(axis=1, keepdims=True)
    # Twice by a step, and once at the start.
    assert (np.abs(actual[rows] - expected[rows]) <= 3 * error * largest).all()
    assert np.abs(actual[rows] - before[rows]).max() > 0.09
    others = np.setdiff1d(np.arange(NUM_ROWS), rows)
    np.testing.assert_array_equal(actual[others], before[others])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_slots_are_float32_and_shaped_as_for_a_float32_table(name: str) -> None:
    slots = [[v for v in run(m, name)[1].variables() if v.shape.rank] for m in ("full", "float16")]
    specs = [[(tuple(v.shape), v.dtype) for v in of_method] for of_method in slots]
    assert specs[0] == specs[1]


@pytest.mark.parametrize("method", METHODS)
def test_steps_below_the_resolution_count_on_average(method: str) -> None:
    """300 steps of 1e-5: each is at most a 20th of the distance between two numbers near 0.5."""
    embedding = make(method, 1, 400)
    embedding.set_tables([np.full((1, 400), 0.5, np.float32)])
    config = EmbeddingOptimizerConfig(name="sgd", learning_rate=1e-5, decay="constant")
    optimizer = make_embedding_optimizer(config, 300, tf.Variable(1.0))
    tables = embedding.tables
    tables.use_optimizer(optimizer)

    @tf.function(autograph=False)
    def step() -> None:
        _, update = tables.gather_to_train(tables.rows([tf.constant([0])]))
        update(optimizer, [-tf.ones([1, 1, 400])])

    for _ in range(300):
        step()
    moved = embedding.get_tables()[0] - 0.5
    # The mean of 400 walks; a walk's variance is at most 300 * 1e-5 * spacing.
    spacing = {"bfloat16": 2**-8, "float16": 2**-11, "int8_trained": 2**-7}[method]
    error = np.sqrt(300 * 1e-5 * spacing / 400)
    assert abs(moved.mean() - 3e-3) < 4 * error
    assert moved.std() > 0


def test_prescaled_gradients_are_added() -> None:
    embedding = make("float16", NUM_ROWS, WIDTH)
    config = EmbeddingOptimizerConfig(name="sgd", learning_rate=0.1, decay="constant")
    optimizer = PrescaledSgd(LearningRate(config, 10, tf.Variable(1.0)))
    embedding.tables.use_optimizer(optimizer)
    [before] = embedding.get_tables()
    _, update = embedding.tables.gather_to_train(embedding.tables.rows([tf.constant([3, 5, 3])]))
    update(optimizer, [tf.fill([3, 1, WIDTH], 0.25)])
    [after] = embedding.get_tables()
    np.testing.assert_allclose(after[[3, 5]] - before[[3, 5]], [[0.5] * 8, [0.25] * 8], atol=1e-3)


def test_the_same_steps_are_rounded_the_same_way_and_other_steps_otherwise() -> None:
    """So a training that is taken up again goes on as it would have."""
    first, second = (run("bfloat16", "sgd")[0] for _ in range(2))
    np.testing.assert_array_equal(first.get_tables()[0], second.get_tables()[0])
    third, optimizer = make("bfloat16", NUM_ROWS, WIDTH), make_optimizer("sgd")
    third.tables.use_optimizer(optimizer)
    optimizer.iterations.assign(5)
    for step, ids in enumerate(STEPS):
        take_step(third.tables, optimizer, ids, step)
    assert not np.array_equal(first.get_tables()[0], third.get_tables()[0])


@pytest.mark.parametrize("method", METHODS)
def test_trained_tables_are_copied_saved_and_served_without_loss(
    method: str, tmp_path: Any
) -> None:
    embedding, _ = run(method, "adagrad")
    [values] = embedding.get_tables()
    copied, restored = make(method, NUM_ROWS, WIDTH), make(method, NUM_ROWS, WIDTH)
    embedding.tables.copy_to(copied.tables, "")
    path = tf.train.Checkpoint(tables=embedding.tables).write(str(tmp_path / "checkpoint"))
    tf.train.Checkpoint(tables=restored.tables).read(path).assert_consumed()
    for other in (copied, restored):
        np.testing.assert_array_equal(other.get_tables()[0], values)
    served = embedding.served()(tf.range(NUM_ROWS, dtype=tf.int64))
    np.testing.assert_array_equal(served, values)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_training_goes_on_from_a_checkpoint_as_it_would_have(name: str, tmp_path: Any) -> None:
    uninterrupted, _ = run("int8_trained", name)
    first, optimizer = make("int8_trained", NUM_ROWS, WIDTH), make_optimizer(name)
    first.tables.use_optimizer(optimizer)
    take_step(first.tables, optimizer, STEPS[0], 0)
    checkpoint = tf.train.Checkpoint(tables=first.tables, optimizer=optimizer)
    path = checkpoint.write(str(tmp_path / "checkpoint"))
    second, optimizer = make("int8_trained", NUM_ROWS, WIDTH), make_optimizer(name)
    second.tables.use_optimizer(optimizer)
    status = tf.train.Checkpoint(tables=second.tables, optimizer=optimizer).read(path)
    take_step(second.tables, optimizer, STEPS[1], 1)
    status.assert_consumed()
    np.testing.assert_array_equal(second.get_tables()[0], uninterrupted.get_tables()[0])


@pytest.mark.parametrize("method", METHODS)
def test_reset_tables_are_those_of_the_start(method: str) -> None:
    embedding, _ = run(method, "sgd")
    embedding.tables.reset()
    expected = make(method, NUM_ROWS, WIDTH).get_tables()[0]
    np.testing.assert_array_equal(embedding.get_tables()[0], expected)


def test_an_optimizer_that_cannot_update_them_is_refused() -> None:
    with pytest.raises(InputError, match="embedding_optimizer: expected one that updates Float16"):
        make("float16", 5, 2).tables.use_optimizer(tf_keras.optimizers.legacy.SGD(0.1))


def test_they_are_refused_where_large_tables_lie_elsewhere() -> None:
    embedding = make("float16", 5, 2).embedding
    with pytest.raises(InputError, match=r"float32 on TPUs .*, received Float16 tables"):
        EmbeddingTables([embedding], max_rows=100)


def test_they_are_refused_on_several_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    embedding = make("bfloat16", 5, 2).embedding
    strategy = Mock(spec=tf.distribute.MultiWorkerMirroredStrategy)
    monkeypatch.setattr(tf.distribute, "get_strategy", lambda: strategy)
    with pytest.raises(InputError, match="on several machines, received Bfloat16 tables"):
        EmbeddingTables([embedding])


def train_network(method: str, optimizer: str) -> tuple[Dlrm, TrainStep, list[float]]:
    """20 steps; C1 has the method, C2 a float32 table of the same width."""
    fields = {"embedding_dim": 4, "bottom_mlp": (6,), "top_mlp": (5,)}
    fields |= {"embedding_optimizer": {"name": optimizer, "learning_rate": 0.3}}
    config = TrainerConfig.model_validate(fields | {"embeddings": {"C1": {"method": method}}})
    network = make_dlrm(config, {"C1": 300, "C2": 50}, 2)
    step = TrainStep(network, config, num_steps=20)
    ids = tf.constant([[0, 49], [299, 3], [5, 3], [0, 1]])
    batch = ({CATEGORICAL: ids, DENSE: tf.zeros([4, 2])}, tf.constant([1.0, 0, 0, 1]), tf.ones(4))
    traced = tf.function(step, autograph=False)
    return network, step, [float(traced(batch)) for _ in range(20)]


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad"])
@pytest.mark.parametrize(
    ("method", "of_c1"), [("bfloat16", 2_400), ("float16", 2_400), ("int8_trained", 1_500)]
)
def test_a_network_learns_as_one_of_float32_tables_and_counts_its_bytes(
    method: str, of_c1: int, optimizer: str
) -> None:
    *_, expected = train_network("full", optimizer)
    network, step, losses = train_network(method, optimizer)
    np.testing.assert_allclose(losses, expected, atol=0.02)
    assert losses[-1] < 0.9 * losses[0]
    slots = 4 * 4 * 350 if optimizer == "adagrad" else 0
    assert step.embedding_bytes == of_c1 + 4 * 4 * 50 + slots
    assert network.embedding_bytes == of_c1 + 4 * 4 * 50

"""What every method must do; a new file in the folder is tested without an edit."""

import ast
import inspect
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from components.errors import InputError
from components.trainer.config import TrainerConfig
from components.trainer.embedding_config import EmbeddingConfig
from components.trainer.embeddings.base import Embedding, serving_bytes
from components.trainer.embeddings.parts.id_map import IdMap
from components.trainer.method_config import SizedConfig
from components.trainer.method_stack import full_bytes, make_embeddings, resolve_size
from components.trainer.optimizer_config import EmbeddingOptimizerConfig
from components.trainer.optimizers import make_embedding_optimizer
from components.trainer.registry import known_methods, load_method
from components.trainer.served_tables import is_served_as_trained
from tests.components.trainer.embeddings.standalone import Standalone, make

METHODS = known_methods()
VECTOR_METHODS = [name for name in METHODS if load_method(name).stage == Embedding.stage]
SIZED_METHODS = [name for name in METHODS if issubclass(load_method(name).Config, SizedConfig)]
STACKS = [
    *METHODS,
    *(f"frequency_threshold + {name}" for name in VECTOR_METHODS),
    *(f"{name} + int8" for name in VECTOR_METHODS),
]
VOCABULARY_SIZE = 1_000
DIM = 8
# A few large tables and many small ones, as in a click log.
VOCABULARY_SIZES = {"a": 20_000, "b": 3, "c": 6_000, "d": 150, "e": 1_200, "f": 40}


def make_one(name: str, vocabulary_size: int = VOCABULARY_SIZE, dim: int = DIM) -> Standalone:
    return make(name, vocabulary_size, dim)


def train(embedding: Standalone, steps: int = 3) -> list[float]:
    """Moves vectors towards 1, tables as a training updates them; returns the losses."""
    fields = {"name": "adagrad", "learning_rate": 0.01, "initial_accumulator_value": 0.0}
    config = EmbeddingOptimizerConfig.model_validate(fields | {"decay": "constant"})
    of_tables = make_embedding_optimizer(config, steps, tf.Variable(1.0))
    of_arrays = tf_keras.optimizers.legacy.Adagrad(0.01, initial_accumulator_value=0.0)
    tables, ids = embedding.tables, [tf.constant([0, 1, 2, 500])]
    tables.use_optimizer(of_tables)
    arrays = trainable_arrays(embedding)
    losses = []
    for _ in range(steps):
        gathered, update = tables.gather_to_train(tables.rows(ids))
        with tf.GradientTape() as tape:
            tape.watch(gathered)
            [vectors] = tables.combine(gathered, ids)
            loss = tf.reduce_mean((vectors - 1.0) ** 2)
        of_gathered, of_variables = tape.gradient(loss, (gathered, arrays))
        update(of_tables, of_gathered)
        if arrays:
            of_arrays.apply_gradients(zip(of_variables, arrays, strict=True))
        losses.append(float(loss))
    return losses


def trainable_arrays(embedding: Standalone) -> list[tf.Variable]:
    """All trainable variables but those of the tables."""
    of_tables = {variable.ref() for variable in embedding.tables.table_variables}
    return [v for v in embedding.trainable_variables if v.ref() not in of_tables]


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("dtype", [tf.int32, tf.int64])
def test_output_is_float32_vectors_for_both_id_types(name: str, dtype: tf.DType) -> None:
    vectors = make_one(name)(tf.constant([0, 5, 999, 5], dtype))
    assert vectors.shape == (4, DIM)
    assert vectors.dtype == tf.float32


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("vocabulary_size", [1, 2, 3, 7, 1_000])
def test_first_and_last_id_have_finite_vectors_alone(name: str, vocabulary_size: int) -> None:
    embedding = make_one(name, vocabulary_size)
    for vocabulary_id in (0, vocabulary_size - 1):
        for lookup in (embedding, embedding.served()):
            vector = lookup(tf.constant([vocabulary_id], tf.int64))
            assert vector.shape == (1, DIM)
            assert np.isfinite(vector).all()


@pytest.mark.parametrize("name", METHODS)
def test_same_id_gives_same_vector_in_any_batch(name: str) -> None:
    embedding = make_one(name)
    ids = np.arange(VOCABULARY_SIZE)
    forward = embedding(tf.constant(ids)).numpy()
    backward = embedding(tf.constant(ids[::-1].copy())).numpy()
    np.testing.assert_allclose(forward, backward[::-1], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(forward[17], embedding(tf.constant([17]))[0], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", VECTOR_METHODS)
def test_neighbouring_ids_above_two_to_the_24_differ(name: str) -> None:
    """A float32 holds no odd number above 2**24, so ids that passed through one would be equal."""
    embedding = make_one(name, vocabulary_size=2**24 + 8, dim=4)
    vectors = embedding(tf.range(2**24, 2**24 + 8, dtype=tf.int64)).numpy()
    assert len(np.unique(vectors, axis=0)) == 8


@pytest.mark.parametrize("name", VECTOR_METHODS)
def test_rows_of_the_largest_ids_lie_in_their_tables(name: str) -> None:
    method = load_method(name)
    assert issubclass(method, Embedding)
    config = method.Config()
    if isinstance(config, SizedConfig):
        config = method.Config(compression_ratio=1e6)
    embedding = method(2**31 - 1, 4, config, np.random.default_rng(0))
    embedding.make_arrays()
    ids = tf.constant([0, 2**24 + 1, 2**31 - 3, 2**31 - 2])
    for table, rows in zip(embedding.tables, embedding.rows(ids), strict=True):
        assert rows.numpy().min() >= 0
        assert rows.numpy().max() < table.num_rows


@pytest.mark.parametrize("name", STACKS)
def test_every_variable_has_a_gradient_no_larger_than_the_batch(name: str) -> None:
    """What a table has is the gradient of the rows that were gathered, and no other."""
    embedding = make_one(name)
    tables, ids = embedding.tables, [tf.constant([1, 2, 999])]
    gathered, arrays = tables.gather(tables.rows(ids)), trainable_arrays(embedding)
    assert arrays or gathered
    with tf.GradientTape() as tape:
        tape.watch(gathered)
        [vectors] = tables.combine(gathered, ids)
        loss = tf.reduce_sum(vectors**2)
    for gradient in tf.nest.flatten(tape.gradient(loss, (gathered, arrays))):
        assert np.abs(gradient).max() > 0
    num_lookups = sum(table.num_lookups for table in embedding.embedding.tables)
    assert sum(values.shape[1] for values in gathered) == num_lookups


@pytest.mark.parametrize("name", STACKS)
def test_served_bytes_are_those_on_disk(name: str, tmp_path: Path) -> None:
    embedding = make_one(name)
    train(embedding)
    served = embedding.served()
    kept = {v.ref(): v for v in tf.nest.flatten([served.tables.variables, served.variables])}
    in_memory = sum(v.numpy().nbytes for v in kept.values())
    assert in_memory == serving_bytes([embedding.embedding])
    checkpoint = tf.train.Checkpoint(served=served)
    checkpoint.write(str(tmp_path / "checkpoint"))
    [data] = tmp_path.glob("checkpoint.data-*")
    bookkeeping = data.stat().st_size - in_memory
    assert 0 <= bookkeeping < 1_500  # the graph of objects, without values


@pytest.mark.parametrize("name", METHODS)
def test_num_parameters_are_the_trainable_values(name: str) -> None:
    embedding = make_one(name)
    trained = sum(int(np.prod(v.shape)) for v in embedding.trainable_variables)
    assert embedding.embedding.num_parameters == trained


@pytest.mark.parametrize("name", METHODS)
def test_large_table_is_not_larger_than_the_full_one(name: str) -> None:
    embedding = make_one(name, 100_000, 16).embedding
    assert serving_bytes([embedding]) <= 100_000 * 16 * 4


@pytest.mark.parametrize("name", METHODS)
def test_same_seed_and_restored_config_give_the_same_embedding(name: str) -> None:
    method = load_method(name)
    options = method.Config.from_json(method.Config().to_json()).model_dump(mode="json")
    again = make(name, VOCABULARY_SIZE, DIM, **options)
    ids = tf.range(VOCABULARY_SIZE)
    np.testing.assert_array_equal(make_one(name)(ids), again(ids))


@pytest.mark.parametrize("name", STACKS)
def test_saved_model_gives_the_served_vectors(name: str, tmp_path: Path) -> None:
    embedding = make_one(name)
    train(embedding)
    served = embedding.served()
    tf.saved_model.save(served, str(tmp_path))
    ids = tf.range(VOCABULARY_SIZE, dtype=tf.int64)
    np.testing.assert_array_equal(tf.saved_model.load(str(tmp_path))(ids), served(ids))


@pytest.mark.parametrize("name", STACKS)
def test_served_vectors_are_close_to_the_trained_ones(name: str) -> None:
    embedding = make_one(name)
    train(embedding)
    ids = tf.range(VOCABULARY_SIZE, dtype=tf.int64)
    trained, served = embedding(ids).numpy(), embedding.served()(ids).numpy()
    if is_served_as_trained(embedding.tables):
        np.testing.assert_allclose(served, trained, rtol=1e-6, atol=1e-7)
    assert np.linalg.norm(served - trained) < 0.75 * np.linalg.norm(trained)


@pytest.mark.parametrize("name", METHODS)
def test_steps_lower_the_loss(name: str) -> None:
    losses = train(make_one(name))
    assert losses[2] < losses[1] < losses[0]


@pytest.mark.parametrize("name", STACKS)
def test_xla_compiles_what_comes_after_the_lookup(name: str) -> None:
    embedding = make_one(name)
    ids = tf.constant([0, 5, 999, 5])
    gathered = embedding.tables.gather(embedding.tables.rows([ids]))

    @tf.function(jit_compile=True, autograph=False)
    def loss_and_gradients() -> tuple[tf.Tensor, list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            tape.watch(gathered)
            [vectors] = embedding.tables.combine(gathered, [ids])
            loss = tf.reduce_sum(vectors**2)
        return loss, tape.gradient(loss, gathered)

    loss, _ = loss_and_gradients()
    np.testing.assert_allclose(loss, tf.reduce_sum(embedding(ids) ** 2), rtol=1e-4)


@pytest.mark.parametrize("name", VECTOR_METHODS)
def test_rows_lie_in_their_tables_and_are_shaped_as_promised(name: str) -> None:
    embedding = make_one(name).embedding
    ids = tf.range(VOCABULARY_SIZE)
    rows = embedding.rows(ids)
    for table, of_table in zip(embedding.tables, rows, strict=True):
        assert of_table.dtype in (tf.int32, tf.int64)
        shape = () if table.num_lookups == 1 else (table.num_lookups,)
        assert of_table.shape == (VOCABULARY_SIZE, *shape)
        assert of_table.numpy().min() >= 0
        assert of_table.numpy().max() < table.num_rows


@pytest.mark.parametrize("name", [n for n in METHODS if load_method(n).stage == IdMap.stage])
def test_mapped_ids_are_fewer_and_below_the_new_size(name: str) -> None:
    method = load_method(name)
    assert issubclass(method, IdMap)
    id_map = method(VOCABULARY_SIZE, method.Config())
    mapped = id_map(tf.range(VOCABULARY_SIZE)).numpy()
    assert mapped.min() >= 0
    assert mapped.max() < id_map.num_ids < VOCABULARY_SIZE


@pytest.mark.parametrize("name", SIZED_METHODS)
@pytest.mark.parametrize("ratio", [2.0, 10.0])
def test_a_compression_ratio_is_met_within_5_percent_or_refused(name: str, ratio: float) -> None:
    config = TrainerConfig(embedding=EmbeddingConfig(method=name), compression_ratio=ratio)
    try:
        resolved = resolve_size(config, VOCABULARY_SIZES)
    except InputError as error:
        assert "the nearest is" in str(error)
        return
    embeddings = make_embeddings(resolved, VOCABULARY_SIZES, np.random.SeedSequence(1))
    goal = full_bytes(config, VOCABULARY_SIZES) / ratio
    assert serving_bytes(embeddings) == pytest.approx(goal, rel=0.05)


@pytest.mark.parametrize("name", METHODS)
def test_file_imports_no_other_method(name: str) -> None:
    """A trainer's cache key holds `base`, `full` and its own method's file, and no other method."""
    imported: set[str] = set()
    for node in ast.walk(ast.parse(Path(inspect.getfile(load_method(name))).read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import"
            imported |= {f"{node.module}.{alias.name}" for alias in node.names}
    for other in {*METHODS, "*"} - {name}:
        path = f"components.trainer.embeddings.{other}"
        assert not any(f"{module}.".startswith(f"{path}.") for module in imported)

"""What every embedding method must do; a new file in the folder is tested without an edit."""

import ast
import inspect
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from components.trainer.registry import known_methods, load_method
from tests.components.trainer.embeddings.standalone import Standalone

METHODS = known_methods()
VOCABULARY_SIZE = 1_000
DIM = 8


def make(name: str, vocabulary_size: int = VOCABULARY_SIZE, dim: int = DIM) -> Standalone:
    method = load_method(name)
    rng = np.random.default_rng(3)
    return Standalone(method(vocabulary_size, dim, method.Config(), rng))


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("dtype", [tf.int32, tf.int64])
def test_output_is_float32_vectors_for_both_id_types(name: str, dtype: tf.DType) -> None:
    vectors = make(name)(tf.constant([0, 5, 999, 5], dtype))
    assert vectors.shape == (4, DIM)
    assert vectors.dtype == tf.float32


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("vocabulary_size", [1, 2, 3, 7, 1_000])
def test_first_and_last_id_have_finite_vectors_alone(name: str, vocabulary_size: int) -> None:
    embedding = make(name, vocabulary_size)
    for vocabulary_id in (0, vocabulary_size - 1):
        vector = embedding(tf.constant([vocabulary_id]))
        assert vector.shape == (1, DIM)
        assert np.isfinite(vector).all()


@pytest.mark.parametrize("name", METHODS)
def test_same_id_gives_same_vector_in_any_batch(name: str) -> None:
    embedding = make(name)
    ids = np.arange(VOCABULARY_SIZE)
    forward = embedding(tf.constant(ids)).numpy()
    backward = embedding(tf.constant(ids[::-1].copy())).numpy()
    np.testing.assert_array_equal(forward, backward[::-1])
    np.testing.assert_array_equal(forward[17], embedding(tf.constant([17]))[0])


@pytest.mark.parametrize("name", METHODS)
def test_neighbouring_ids_above_two_to_the_24_differ(name: str) -> None:
    """A float32 holds no odd number above 2**24, so ids that passed through one would be equal."""
    embedding = make(name, vocabulary_size=2**24 + 8, dim=2)
    vectors = embedding(tf.range(2**24, 2**24 + 8, dtype=tf.int64)).numpy()
    assert len(np.unique(vectors, axis=0)) == 8


@pytest.mark.parametrize("name", METHODS)
def test_every_variable_has_a_gradient_no_larger_than_the_batch(name: str) -> None:
    embedding = make(name)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(embedding(tf.constant([1, 2, 999])) ** 2)
    gradients = tape.gradient(loss, embedding.trainable_variables)
    assert gradients
    for gradient in gradients:
        assert isinstance(gradient, tf.IndexedSlices)
        assert gradient.values.shape[0] <= 3
        assert np.abs(gradient.values).max() > 0


@pytest.mark.parametrize("name", METHODS)
def test_num_parameters_and_bytes_are_those_of_the_checkpoint(name: str, tmp_path: Path) -> None:
    embedding = make(name)
    path = tf.train.Checkpoint(embedding=embedding).write(str(tmp_path / "checkpoint"))
    stored = [
        int(np.prod(shape))
        for key, shape in tf.train.load_checkpoint(path).get_variable_to_shape_map().items()
        if key.endswith("VARIABLE_VALUE") and not key.startswith("save_counter")
    ]
    assert embedding.embedding.num_parameters == sum(stored)
    assert embedding.embedding.embedding_bytes == 4 * sum(stored)


@pytest.mark.parametrize("name", METHODS)
def test_large_table_is_not_larger_than_the_full_one(name: str) -> None:
    assert make(name).embedding.num_parameters <= VOCABULARY_SIZE * DIM


@pytest.mark.parametrize("name", METHODS)
def test_same_seed_and_restored_config_give_the_same_embedding(name: str) -> None:
    method = load_method(name)
    config = method.Config.from_json(method.Config().to_json())
    again = Standalone(method(VOCABULARY_SIZE, DIM, config, np.random.default_rng(3)))
    ids = tf.range(VOCABULARY_SIZE)
    np.testing.assert_array_equal(make(name)(ids), again(ids))


@pytest.mark.parametrize("name", METHODS)
def test_saved_model_gives_the_same_vectors(name: str, tmp_path: Path) -> None:
    module = tf.Module()
    module.embedding = make(name)
    module.lookup = tf.function(
        lambda ids: module.embedding(ids), input_signature=[tf.TensorSpec([None], tf.int64)]
    )
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    ids = tf.range(VOCABULARY_SIZE, dtype=tf.int64)
    np.testing.assert_array_equal(loaded.lookup(ids), module.embedding(ids))


@pytest.mark.parametrize("name", METHODS)
def test_two_steps_lower_the_loss(name: str) -> None:
    embedding = make(name)
    optimizer = tf_keras.optimizers.legacy.Adagrad(0.01, initial_accumulator_value=0.0)
    losses = []
    for _ in range(3):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((embedding(tf.constant([0, 1, 2, 500])) - 1.0) ** 2)
        variables = embedding.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        losses.append(float(loss))
    assert losses[2] < losses[1] < losses[0]


@pytest.mark.parametrize("name", METHODS)
def test_rows_lie_in_their_tables_and_are_shaped_as_promised(name: str) -> None:
    embedding = make(name).embedding
    ids = tf.range(VOCABULARY_SIZE)
    rows = embedding.rows(ids)
    for table, of_table in zip(embedding.tables, rows, strict=True):
        assert of_table.dtype in (tf.int32, tf.int64)
        shape = () if table.num_lookups == 1 else (table.num_lookups,)
        assert of_table.shape == (VOCABULARY_SIZE, *shape)
        assert of_table.numpy().min() >= 0
        assert of_table.numpy().max() < table.num_rows


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

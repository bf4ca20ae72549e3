import numpy as np
import pytest
import tensorflow as tf

from components.trainer.optimizer_config import EmbeddingOptimizerConfig
from components.trainer.optimizers import make_embedding_optimizer
from components.trainer.packed_tables import PackedTables
from components.trainer.tables import EmbeddingTables
from tests.components.trainer import test_tables

WIDTHS = {5: 125, 2: 128}  # of a row -> of a line


def make(packed: bool) -> EmbeddingTables:
    tables = test_tables.make_tables()
    return PackedTables(tables.embeddings) if packed else tables


def test_rows_lie_side_by_side_in_order() -> None:
    packed, plain = make(True), make(False)
    for stack, twin in zip(packed.stacks, plain.stacks, strict=True):
        num_rows, width = twin.shape
        assert stack.shape[1] == WIDTHS[width]
        rows = stack.numpy().reshape(-1, width)
        np.testing.assert_array_equal(rows[:num_rows], twin)
        assert not rows[num_rows:].any()


@pytest.mark.parametrize("dtype", [tf.int32, tf.int64])
def test_lookups_are_those_of_plain_tables(dtype: tf.DType) -> None:
    ids = test_tables.make_ids(dtype)
    for actual, expected in zip(make(True)(ids), make(False)(ids), strict=True):
        np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("name", ["sgd", "adagrad"])
@pytest.mark.parametrize("compiled_whole", [False, True])
def test_updates_are_those_of_plain_tables(name: str, compiled_whole: bool) -> None:
    """Rows come several times in a batch, and several rows of a line."""
    config = EmbeddingOptimizerConfig.model_validate({"name": name, "learning_rate": 0.1})
    ids = test_tables.make_ids(tf.int32)
    values = []
    for packed in (True, False):
        tables = make(packed)
        optimizer = make_embedding_optimizer(config, 10, tf.Variable(1.0))

        def step(tables: EmbeddingTables = tables, optimizer: object = optimizer) -> None:
            gathered, update = tables.gather_to_train(tables.rows(ids))
            update(optimizer, [tf.sin(9.0 * each) for each in gathered])

        traced = tf.function(step, autograph=False, jit_compile=compiled_whole or None)
        for _ in range(2):
            traced()
        values.append([v for e in tables.embeddings for v in tables.values(e)])
    for actual, expected in zip(*values, strict=True):
        np.testing.assert_allclose(actual, expected, atol=1e-6)


def test_a_row_is_read_beside_one_that_is_no_number() -> None:
    tables = make(True)
    [stack, *_] = tables.stacks
    values = stack.numpy()
    values[0, 5:10] = np.nan
    stack.assign(values)
    [first, *_] = tables.gather([tf.constant([[0]]) for _ in tables.stacks])
    np.testing.assert_array_equal(first[0, 0], values[0, :5])


def test_assigned_values_are_returned_and_other_tables_stay() -> None:
    tables = make(True)
    chosen, *others = tables.embeddings
    before = [v for e in others for v in tables.values(e)]
    new = [np.full_like(values, 7.0) for values in tables.values(chosen)]
    tables.assign(chosen, new)
    for actual, expected in zip(tables.values(chosen), new, strict=True):
        np.testing.assert_array_equal(actual, expected)
    for actual, expected in zip([v for e in others for v in tables.values(e)], before, strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_reset_tables_are_those_of_the_start() -> None:
    tables = make(True)
    before = [stack.numpy() for stack in tables.stacks]
    for stack in tables.stacks:
        stack.assign(stack + 1.0)
    tables.reset()
    for stack, first in zip(tables.stacks, before, strict=True):
        np.testing.assert_array_equal(stack, first)

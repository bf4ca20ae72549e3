"""Stacked tables against separate NumPy tables."""

from collections.abc import Sequence

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from components.trainer.embeddings.base import Embedding
from components.trainer.embeddings.parts.table import Table
from components.trainer.method_config import MethodConfig
from components.trainer.tables import EmbeddingTables

VOCABULARY_SIZES = (50, 7, 1_000, 3)
BATCH = 6


class Bag(Embedding):
    """Three rows of a table of width 5, at 0, 1 and 2 times the id, and one of a table of width 2.

    Their sum stands beside the latter.
    """

    def __init__(self, vocabulary_size: int, rng: np.random.Generator) -> None:
        super().__init__(vocabulary_size, 7, MethodConfig(), rng)
        self.add_table(2 * vocabulary_size, 5, num_lookups=3)
        self.add_table(vocabulary_size, 2)

    def rows(self, ids: tf.Tensor) -> list[tf.Tensor]:
        return [tf.stack([tf.zeros_like(ids), ids, 2 * ids], axis=1), ids]

    def combine(self, vectors: Sequence[tf.Tensor], ids: tf.Tensor) -> tf.Tensor:
        several, single = vectors
        return tf.concat([tf.reduce_sum(several, axis=1), single], axis=1)


class Plain(Embedding):
    """One row of a table of width 5."""

    def __init__(self, vocabulary_size: int, rng: np.random.Generator) -> None:
        super().__init__(vocabulary_size, 5, MethodConfig(), rng)
        self.add_table(vocabulary_size, 5)


def make_tables() -> EmbeddingTables:
    """Two bags and two plain ones: widths 5 and 2, one and three lookups an id, mixed."""
    rng = np.random.default_rng(0)
    kinds = (Bag, Plain, Plain, Bag)
    return EmbeddingTables([k(v, rng) for k, v in zip(kinds, VOCABULARY_SIZES, strict=True)])


def make_ids(dtype: tf.DType) -> list[tf.Tensor]:
    """First and last ids are among them, and repeated ones."""
    rng = np.random.default_rng(1)
    columns = [np.r_[0, v - 1, v - 1, rng.integers(v, size=BATCH - 3)] for v in VOCABULARY_SIZES]
    return [tf.constant(column, dtype) for column in columns]


def twin(tables: EmbeddingTables, ids: Sequence[tf.Tensor]) -> list[np.ndarray]:
    """The vectors, id by id."""
    vectors = []
    for embedding, column in zip(tables.embeddings, ids, strict=True):
        values = tables.values(embedding)
        if isinstance(embedding, Plain):
            vectors.append([values[0][i] for i in column.numpy()])
        else:
            sums = [values[0][0] + values[0][i] + values[0][2 * i] for i in column.numpy()]
            parts = zip(sums, column.numpy(), strict=True)
            vectors.append([np.concatenate([s, values[1][i]]) for s, i in parts])
    return [np.array(each) for each in vectors]


@pytest.mark.parametrize("dtype", [tf.int32, tf.int64])
def test_vectors_are_those_of_separate_tables(dtype: tf.DType) -> None:
    tables, ids = make_tables(), make_ids(dtype)
    for actual, expected in zip(tables(ids), twin(tables, ids), strict=True):
        np.testing.assert_allclose(actual.numpy(), expected, rtol=1e-6)


def test_tables_of_one_width_share_few_stacks() -> None:
    tables = make_tables()
    shapes = [tuple(stack.shape) for stack in tables.stacks]
    assert shapes == [(107, 5), (1_006, 5), (50, 2), (3, 2)]


def test_tables_start_as_they_were_asked_for() -> None:
    tables = make_tables()
    for embedding in tables.embeddings:
        for table, values in zip(embedding.tables, tables.values(embedding), strict=True):
            np.testing.assert_array_equal(values, table.initial_values().numpy())


def test_assigned_tables_are_the_values_and_leave_the_others() -> None:
    tables = make_tables()
    before = [tables.values(embedding) for embedding in tables.embeddings]
    assigned = [np.full((100, 5), 2.0, np.float32), np.full((50, 2), 3.0, np.float32)]
    tables.assign(tables.embeddings[0], assigned)
    expected = [assigned, *before[1:]]
    for embedding, values in zip(tables.embeddings, expected, strict=True):
        for actual, table in zip(tables.values(embedding), values, strict=True):
            np.testing.assert_array_equal(actual, table)


def test_copied_tables_are_equal(tmp_path: object) -> None:
    tables, target = make_tables(), make_tables()
    for stack in tables.stacks:
        stack.assign(tf.random.stateless_uniform(stack.shape, (3, 4)))
    tables.copy_to(target, str(tmp_path))
    for one, other in zip(tables.stacks, target.stacks, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


@pytest.mark.parametrize("dtype", [tf.int32, tf.int64])
def test_an_update_moves_each_row_by_its_summed_gradient(dtype: tf.DType) -> None:
    tables, ids = make_tables(), make_ids(dtype)
    rows = tables.rows(ids)
    gathered, update = tables.gather_to_train(rows)
    rng = np.random.default_rng(2)
    gradients = [rng.normal(size=values.shape).astype(np.float32) for values in gathered]
    update(tf_keras.optimizers.legacy.SGD(0.5), [tf.constant(g) for g in gradients])
    moved = [stack.numpy().astype(np.float64) for stack in make_tables().stacks]
    for stack, stack_rows, gradient in zip(moved, rows, gradients, strict=True):
        np.subtract.at(stack, stack_rows.numpy(), 0.5 * gradient)  # one by one
    for stack, expected in zip(tables.stacks, moved, strict=True):
        np.testing.assert_allclose(stack.numpy(), expected, atol=1e-6)


def test_rows_behind_the_range_of_int32_are_int64(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two tables whose stack would be too large for this machine; only their rows are asked for."""
    monkeypatch.setattr(EmbeddingTables, "_add_stack", lambda self, places: tf.Variable([[0.0]]))
    rng = np.random.default_rng(0)
    num_ids = 3 * 2**30
    tables = EmbeddingTables([Plain(num_ids, rng) for _ in range(4)])
    ids = [tf.constant([0, num_ids - 1], tf.int64)] * 4
    first, second = tables.rows(ids)
    assert first.dtype == second.dtype == tf.int64
    expected = [[0, num_ids], [num_ids - 1, 2 * num_ids - 1]]
    np.testing.assert_array_equal(first.numpy(), expected)
    np.testing.assert_array_equal(second.numpy(), expected)


class Shared(Embedding):
    """A row of a table that was made elsewhere, and one of its own."""

    def __init__(self, table: Table, rng: np.random.Generator) -> None:
        super().__init__(10, 5, MethodConfig(), rng)
        self.tables = (table,)
        self.add_table(10, 5)

    def rows(self, ids: tf.Tensor) -> list[tf.Tensor]:
        return [ids + 2, ids]

    def combine(self, vectors: Sequence[tf.Tensor], ids: tf.Tensor) -> tf.Tensor:
        return vectors[0] + 2 * vectors[1]


def make_shared() -> EmbeddingTables:
    """Two embeddings with one common table, then a plain one."""
    rng = np.random.default_rng(0)
    table = Table(12, 5, -1.0, 1.0, seed=7)
    return EmbeddingTables([Shared(table, rng), Shared(table, rng), Plain(50, rng)])


def test_a_shared_table_is_there_once() -> None:
    tables = make_shared()
    assert sum(stack.shape[0] for stack in tables.stacks) == 12 + 10 + 10 + 50
    first, second = (tables.values(embedding)[0] for embedding in tables.embeddings[:2])
    np.testing.assert_array_equal(first, second)


def test_vectors_of_a_shared_table_are_those_of_its_rows() -> None:
    tables = make_shared()
    ids = [tf.constant([0, 9]), tf.constant([9, 9]), tf.constant([49, 3])]
    vectors = tables(ids)
    for index in (0, 1):
        common, own = tables.values(tables.embeddings[index])
        expected = common[ids[index].numpy() + 2] + 2 * own[ids[index].numpy()]
        np.testing.assert_allclose(vectors[index], expected, rtol=1e-6)
    np.testing.assert_array_equal(vectors[2], tables.values(tables.embeddings[2])[0][[49, 3]])


def test_an_update_of_a_shared_row_sums_what_all_its_users_ask_for() -> None:
    tables = make_shared()
    before = tables.values(tables.embeddings[0])[0]
    rows = tables.rows([tf.constant([4]), tf.constant([4]), tf.constant([0])])
    gathered, update = tables.gather_to_train(rows)
    update(tf_keras.optimizers.legacy.SGD(1.0), [tf.ones_like(values) for values in gathered])
    after = tables.values(tables.embeddings[1])[0]
    expected = np.zeros((12, 5), np.float32)
    expected[6] = -2.0
    np.testing.assert_allclose(after - before, expected, atol=1e-6)


def test_a_copy_of_shared_tables_is_equal(tmp_path: object) -> None:
    tables, target = make_shared(), make_shared()
    for stack in tables.stacks:
        stack.assign(tf.random.stateless_uniform(stack.shape, (3, 4)))
    tables.copy_to(target, str(tmp_path))
    for one, other in zip(tables.stacks, target.stacks, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


class Halved(Embedding):
    """A table that is halved after a half of the training, and set to its size at its end."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(4, 5, MethodConfig(), rng)
        self.add_table(4, 5)
        self.maintenance = (0.5, 1.0)

    def maintain(self, progress: float, values: Sequence[np.ndarray]) -> list[np.ndarray]:
        [table] = values
        return [table / 2 if progress == 0.5 else np.full_like(table, len(table))]


def test_maintenance_changes_the_tables_of_those_who_ask_for_it() -> None:
    rng = np.random.default_rng(0)
    tables = EmbeddingTables([Halved(rng), Plain(50, rng)])
    halved, plain = (tables.values(embedding)[0] for embedding in tables.embeddings)
    assert tables.maintenance == [0.5, 1.0]
    tables.maintain(0.5)
    np.testing.assert_array_equal(tables.values(tables.embeddings[0])[0], halved / 2)
    tables.maintain(1.0)
    np.testing.assert_array_equal(tables.values(tables.embeddings[0])[0], np.full((4, 5), 4))
    np.testing.assert_array_equal(tables.values(tables.embeddings[1])[0], plain)

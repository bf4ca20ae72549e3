import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from components.trainer.embeddings.base import serving_bytes
from components.trainer.embeddings.cafe import Cafe, CafeConfig
from components.trainer.embeddings.parts.universal_hash import PRIME
from tests.components.trainer.embeddings.standalone import Standalone, make

SEED = 3


def make_one(vocabulary_size: int, dim: int, ratio: float, hot_fraction: float = 0.7) -> Standalone:
    return make(
        "cafe", vocabulary_size, dim, SEED, compression_ratio=ratio, hot_fraction=hot_fraction
    )


def show(embedding: Standalone, ids: list[int], lengths: list[float]) -> None:
    """A step whose gradients have these lengths."""
    width = embedding.embedding.embedding_dim
    gradient = np.zeros((len(ids), width), np.float32)
    gradient[:, 0] = lengths
    embedding.tables.observe([tf.constant(ids)], [tf.constant(gradient[:, None])])


def slow_shared_row(vocabulary_id: int, num_hot: int, num_rows: int) -> int:
    """The hash is drawn from the seed first."""
    rng = np.random.default_rng(SEED)
    multiplier, offset = int(rng.integers(1, PRIME)), int(rng.integers(PRIME))
    return num_hot + (multiplier * vocabulary_id + offset) % PRIME % (num_rows - num_hot)


def slow_lookup(table: np.ndarray, hot_row: dict[int, int], num_hot: int, size: int) -> np.ndarray:
    """The formula, one id at a time."""
    shared = [slow_shared_row(i, num_hot, len(table)) for i in range(size)]
    return np.array([table[hot_row.get(i, shared[i])] for i in range(size)])


@pytest.mark.parametrize(
    ("ratio", "hot_fraction", "num_rows", "num_hot"),
    # 1000 ids of width 4 at ratio 10: 1600 bytes. At 16 + 0.7 * 4 a row 85.1: 85, 59.5 of them hot.
    [(10.0, 0.7, 85, 59), (10.0, 0.5, 88, 44), (10.0, 0.0, 100, 0), (1e9, 0.7, 1, 0)],
)
def test_rows_and_hot_ids_fit_the_bytes(
    ratio: float, hot_fraction: float, num_rows: int, num_hot: int
) -> None:
    embedding = make_one(1_000, 4, ratio, hot_fraction).embedding
    assert [table.num_rows for table in embedding.tables] == [num_rows]
    assert serving_bytes([embedding]) == num_rows * 16 + num_hot * 4


def test_bytes_never_grow_with_the_ratio() -> None:
    sizes = []
    for ratio in np.geomspace(1, 1e4, 300):
        config = CafeConfig(compression_ratio=float(ratio))
        embedding = Cafe(777, 3, config, np.random.default_rng(0))
        sizes.append(serving_bytes([embedding]))
        assert sizes[-1] <= max(777 * 12 / ratio, 12)
    assert sizes == sorted(sizes, reverse=True)


def test_every_id_is_hashed_at_the_start() -> None:
    embedding = make_one(1_000, 4, 10.0)
    [table] = embedding.get_tables()
    expected = slow_lookup(table, {}, num_hot=59, size=1_000)
    np.testing.assert_array_equal(embedding(tf.range(1_000)), expected)


def test_an_id_that_gets_a_row_starts_from_the_one_it_shared() -> None:
    embedding = make_one(1_000, 4, 10.0)
    before = embedding(tf.range(1_000)).numpy()
    show(embedding, [700, 8, 900], [3.0, 1.0, 2.0])
    embedding.tables.maintain(0.01)
    np.testing.assert_array_equal(embedding(tf.range(1_000)), before)
    rows = embedding.embedding.rows(tf.constant([700, 8, 900, 5]))[0].numpy()
    assert len(set(rows[:3])) == 3
    assert rows[:3].max() < 59 <= rows[3]


def test_hot_ids_match_the_slow_twin_once_their_rows_move() -> None:
    embedding = make_one(1_000, 4, 10.0)
    show(embedding, [700, 8, 900], [3.0, 1.0, 2.0])
    embedding.tables.maintain(0.01)
    table = np.random.default_rng(0).normal(size=(85, 4)).astype(np.float32)
    embedding.set_tables([table])
    # Rows are given in the order of importance.
    expected = slow_lookup(table, {700: 0, 900: 1, 8: 2}, num_hot=59, size=1_000)
    np.testing.assert_array_equal(embedding(tf.range(1_000)), expected)


def test_a_less_important_owner_loses_its_row_and_shares_again() -> None:
    # 12 ids of width 1 at ratio 4: 12 bytes. At 4 + 0.5 * 4 a row 2 rows: 1 hot, 1 shared.
    embedding = make_one(12, 1, 4.0, hot_fraction=0.5)
    show(embedding, [3], [1.0])
    embedding.tables.maintain(0.01)
    embedding.set_tables([np.array([[7.0], [2.0]], np.float32)])
    np.testing.assert_array_equal(embedding(tf.constant([3, 5]))[:, 0], [7, 2])
    for _ in range(2):
        show(embedding, [5], [1.0])
    embedding.tables.maintain(0.02)
    np.testing.assert_array_equal(embedding.get_tables()[0], [[2], [2]])
    embedding.set_tables([np.array([[8.0], [2.0]], np.float32)])
    np.testing.assert_array_equal(embedding(tf.constant([3, 5]))[:, 0], [2, 8])


def test_importance_is_the_length_of_a_gradient_relative_to_the_mean() -> None:
    embedding = make_one(1_000, 2, 10.0)
    gradients = np.array([[[3.0, 4.0]], [[0.0, 0.0]], [[0.0, 1.0]]], np.float32)
    embedding.tables.observe([tf.constant([5, 6, 5])], [tf.constant(gradients)])
    # Lengths 5, 0 and 1, their mean is 2: id 5 has 2.5 + 0.5.
    sums = embedding.embedding.array("sums").numpy()
    np.testing.assert_allclose(sums[sums > 0], [3.0], rtol=1e-6)


def test_served_vectors_are_the_trained_ones_after_rows_have_moved() -> None:
    embedding = make_one(1_000, 4, 10.0)
    rng = np.random.default_rng(0)
    for progress in (0.01, 0.02, 0.03):
        for _ in range(5):
            show(embedding, rng.integers(1_000, size=200).tolist(), rng.random(200).tolist())
        embedding.tables.maintain(progress)
        embedding.set_tables([rng.normal(size=(85, 4)).astype(np.float32)])
    assert (embedding.embedding.array("rows").numpy() >= 0).sum() == 59
    ids = tf.range(1_000, dtype=tf.int64)
    [served] = embedding.served().tables([ids])
    np.testing.assert_array_equal(served, embedding(ids))


def test_sketch_is_a_constant_number_of_bytes_for_each_hot_row() -> None:
    embedding = make_one(1_000, 4, 10.0).embedding
    assert sum(array.num_bytes for array in embedding.arrays) == 59 * 4 * 4 * 4


@pytest.mark.parametrize("vocabulary_id", [2**24 + 1, 2**31 - 2])
def test_large_ids_can_be_hot(vocabulary_id: int) -> None:
    embedding = make("cafe", 2**31 - 1, 2, SEED, compression_ratio=1e6)
    show(embedding, [vocabulary_id], [1.0])
    embedding.tables.maintain(0.01)
    trained = embedding.embedding.rows(tf.constant([vocabulary_id, vocabulary_id - 1]))[0].numpy()
    assert trained[0] == 0 < trained[1]
    ids = tf.constant([vocabulary_id, vocabulary_id - 1], tf.int64)
    [served] = embedding.served().tables([ids])
    np.testing.assert_array_equal(served, embedding(ids))


def test_a_hot_fraction_above_one_is_refused() -> None:
    with pytest.raises(ValidationError, match="hot_fraction"):
        CafeConfig(hot_fraction=1.1)

import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from components.trainer.embeddings.base import serving_bytes
from components.trainer.embeddings.hot_cold import HotCold, HotColdConfig
from components.trainer.embeddings.parts.universal_hash import PRIME
from tests.components.trainer.embeddings.standalone import Standalone, make


def make_one(vocabulary_size: int, dim: int, ratio: float, hot_fraction: float) -> Standalone:
    options = {"compression_ratio": ratio, "hot_fraction": hot_fraction}
    return make("hot_cold", vocabulary_size, dim, **options)


def slow_lookup(table: np.ndarray, num_hot: int, ids: list[int], seed: int) -> np.ndarray:
    """The formula, one id at a time, in Python's integers; the hash is drawn from the seed."""
    rng = np.random.default_rng(seed)
    multiplier, offset = int(rng.integers(1, PRIME)), int(rng.integers(PRIME))
    vectors = []
    for i in ids:
        if i < num_hot:
            vectors.append(table[i])
        else:
            num_buckets = len(table) - num_hot
            vectors.append(table[num_hot + (multiplier * i + offset) % PRIME % num_buckets])
    return np.array(vectors)


@pytest.mark.parametrize(
    ("vocabulary_size", "ratio", "hot_fraction", "num_hot"),
    # 1000 / 4 = 250 rows: 175 hot. 1003 / 7.3 = 137.4: 138 rows, 69 hot. 0: none. 1: all but one.
    [(1_000, 4.0, 0.7, 175), (1_003, 7.3, 0.5, 69), (100, 2.0, 0.0, 0), (100, 2.0, 1.0, 49)],
)
def test_every_id_matches_the_slow_twin(
    vocabulary_size: int, ratio: float, hot_fraction: float, num_hot: int
) -> None:
    embedding = make_one(vocabulary_size, 6, ratio, hot_fraction)
    [table] = embedding.get_tables()
    ids = list(range(vocabulary_size))
    expected = slow_lookup(table, num_hot, ids, seed=3)
    np.testing.assert_array_equal(embedding(tf.constant(ids)), expected)


def test_last_row_is_shared_by_the_tail_in_a_case_worked_out_by_hand() -> None:
    # 6 ids at ratio 2: 3 rows. floor(0.7 * 3) = 2 are hot, so ids 2 to 5 share the third.
    embedding = make_one(6, 1, 2.0, 0.7)
    embedding.set_tables([np.array([[10], [20], [30]], np.float32)])
    np.testing.assert_array_equal(embedding(tf.range(6))[:, 0], [10, 20, 30, 30, 30, 30])


def test_all_ids_are_exact_where_the_rows_are_enough() -> None:
    embedding = make_one(100, 4, 1.0, 0.7)
    np.testing.assert_array_equal(embedding(tf.range(100)), embedding.get_tables()[0])


def test_large_tail_ids_lie_behind_the_hot_rows() -> None:
    config = HotColdConfig(compression_ratio=1e6)
    embedding = HotCold(2**31 - 1, 4, config, np.random.default_rng(0))
    # ceil(2147.5) = 2148 rows, floor(0.7 * 2148) = 1503 of them hot.
    [rows] = embedding.rows(tf.constant([0, 1_502, 1_503, 2**24 + 1, 2**31 - 2]))
    np.testing.assert_array_equal(rows[:2], [0, 1_502])
    assert rows.numpy()[2:].min() >= 1_503
    assert rows.numpy()[2:].max() < 2_148


@pytest.mark.parametrize("hot_fraction", [0.0, 0.3, 1.0])
def test_bytes_do_not_depend_on_the_hot_fraction(hot_fraction: float) -> None:
    embedding = make_one(1_001, 8, 4.0, hot_fraction).embedding
    assert serving_bytes([embedding]) == 251 * 8 * 4


def test_a_hot_fraction_above_one_is_refused() -> None:
    with pytest.raises(ValidationError, match="hot_fraction"):
        HotColdConfig(hot_fraction=1.1)

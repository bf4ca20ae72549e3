import numpy as np
import pytest
import tensorflow as tf

from components.trainer.embeddings.base import serving_bytes
from components.trainer.embeddings.low_rank import LowRank
from components.trainer.method_config import SizedConfig
from tests.components.trainer.embeddings.standalone import make


def test_every_id_matches_the_slow_twin() -> None:
    embedding = make("low_rank", 97, 8, compression_ratio=2.0)
    [rows] = embedding.get_tables()
    matrix = embedding.embedding.array("projection").numpy()
    expected = [
        [sum(rows[i, r] * matrix[r, d] for r in range(len(matrix))) for d in range(8)]
        for i in range(97)
    ]
    np.testing.assert_allclose(embedding(tf.range(97)), expected, rtol=1e-4, atol=1e-7)


def test_vector_is_the_row_times_the_matrix_in_a_case_worked_out_by_hand() -> None:
    # 9 ids of width 3 at ratio 1.1: 24.5 weights, 24 of them are (9 + 3) * 2.
    embedding = make("low_rank", 9, 3, compression_ratio=1.1)
    rows = np.zeros((9, 2), np.float32)
    rows[4] = [2, 10]
    embedding.set_tables([rows])
    embedding.embedding.array("projection").assign([[1, 2, 3], [0.1, 0.2, 0.3]])
    # 2 * (1, 2, 3) + 10 * (0.1, 0.2, 0.3).
    np.testing.assert_allclose(embedding(tf.constant([4])), [[3, 6, 9]], rtol=1e-6)


@pytest.mark.parametrize(("ratio", "rank"), [(1.1, 14), (2.0, 8), (6.0, 2), (1e9, 1)])
def test_num_parameters_is_table_and_matrix(ratio: float, rank: int) -> None:
    # 16 / 1.1 = 14.5 and 16 / 6 = 2.7.
    method = make("low_rank", 100_000, 16, compression_ratio=ratio).embedding
    assert method.num_parameters == (100_000 + 16) * rank
    assert serving_bytes([method]) == 4 * method.num_parameters


@pytest.mark.parametrize("vocabulary_size", [1, 3, 40, 5_000])
def test_bytes_fall_as_the_ratio_rises(vocabulary_size: int) -> None:
    num_bytes = [
        serving_bytes([LowRank(vocabulary_size, 8, SizedConfig(compression_ratio=r), rng)])
        for rng in [np.random.default_rng(0)]
        for r in [*np.geomspace(1, 100, 100), 1e9]
    ]
    assert num_bytes == sorted(num_bytes, reverse=True)
    assert num_bytes[0] == 4 * vocabulary_size * 8
    assert num_bytes[-1] == 4 * min(vocabulary_size + 8, vocabulary_size * 8)


def test_vectors_have_the_rank_of_the_table() -> None:
    vectors = make("low_rank", 1_000, 16, compression_ratio=4.0)(tf.range(1_000)).numpy()
    assert np.linalg.matrix_rank(vectors, tol=1e-5) == 4


def test_vectors_start_at_the_scale_of_a_full_table() -> None:
    vectors = make("low_rank", 10_000, 64, compression_ratio=2.0)(tf.range(10_000)).numpy()
    assert vectors.std() == pytest.approx(0.01 / np.sqrt(3), rel=0.1)


def test_full_rank_is_one_table() -> None:
    embedding = make("low_rank", 97, 8, compression_ratio=1.0)
    [rows] = embedding.get_tables()
    assert embedding.embedding.arrays == ()
    np.testing.assert_array_equal(embedding(tf.range(97)), rows)


def test_ranks_of_features_differ_by_one_at_most() -> None:
    config = SizedConfig(compression_ratio=5.0)
    sizes = [1_100, 20_000, 300, 6_000, 6_000]
    rngs = [np.random.default_rng(i) for i in range(5)]
    ranks = [f.tables[0].width for f in LowRank.make_all(sizes, [16] * 5, config, rngs)]
    assert set(ranks) == {3, 4}

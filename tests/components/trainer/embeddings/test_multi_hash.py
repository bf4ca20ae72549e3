import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from components.trainer.embeddings.base import serving_bytes
from components.trainer.embeddings.multi_hash import MultiHash, MultiHashConfig
from components.trainer.embeddings.parts.universal_hash import UniversalHash
from tests.components.trainer.embeddings.slow_hash import slow_hash
from tests.components.trainer.embeddings.standalone import Standalone, make


def slow_vectors(embedding: Standalone, ids: list[int]) -> np.ndarray:
    """Serra & Karatzoglou 2017, or with weights Svenstrup et al. 2017, one id at a time."""
    method = embedding.embedding
    assert isinstance(method, MultiHash)
    rows, *weights = embedding.get_tables()
    vectors = []
    for i in ids:
        vector = np.zeros(rows.shape[1])
        for position, function in enumerate(method._hashes):
            weight = 1.0
            if weights:
                of_weights = i if method._weight_hash is None else slow_hash(method._weight_hash, i)
                weight = weights[0][of_weights, position]
            vector += weight * rows[slow_hash(function, i)]
        vectors.append(vector)
    return np.array(vectors)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ratio", [1.5, 4.0, 30.0])
def test_every_id_matches_the_slow_twin(weighted: bool, ratio: float) -> None:
    embedding = make("multi_hash", 503, 8, num_hashes=3, weighted=weighted, compression_ratio=ratio)
    np.testing.assert_allclose(
        embedding(tf.range(503)), slow_vectors(embedding, list(range(503))), rtol=1e-5, atol=1e-7
    )


@pytest.mark.parametrize(
    ("weighted", "expected"), [(False, [11.0, 22.0]), (True, [0.5 + 30.0, 1.0 + 60.0])]
)
def test_vector_of_one_id_in_a_case_worked_out_by_hand(
    weighted: bool, expected: list[float]
) -> None:
    # 8 ids at ratio 2: 4 rows without weights. With weights half of the 8 values: 2 rows, and 2
    # rows of weights. h_1(3) = (3 + 0) mod 2 = 1, h_2(3) = (3 + 1) mod 2 = 0; h(3) = 3 mod 2 = 1.
    embedding = make("multi_hash", 8, 2, weighted=weighted, compression_ratio=2.0)
    method = embedding.embedding
    assert isinstance(method, MultiHash)
    method._hashes = [UniversalHash(1, 0, 2), UniversalHash(1, 1, 2)]
    rows = np.array([[10, 20], [1, 2]], np.float32)
    if weighted:
        method._weight_hash = UniversalHash(1, 0, 2)
        embedding.set_tables([rows, np.array([[9, 9], [0.5, 3]], np.float32)])
    else:
        embedding.set_tables([np.concatenate([rows, rows])])
    np.testing.assert_allclose(embedding(tf.constant([3])), [expected])


def test_num_parameters_without_weights_is_one_table() -> None:
    # 1001 / 4 = 250.25.
    assert make("multi_hash", 1_001, 8).embedding.num_parameters == 251 * 8


def test_num_parameters_with_weights_is_half_of_them_weights() -> None:
    # 1000 * 8 / 10 = 800 values: 400 / 8 = 50 rows and 400 / 2 = 200 rows of weights.
    method = make("multi_hash", 1_000, 8, weighted=True, compression_ratio=10.0).embedding
    assert [(t.num_rows, t.width) for t in method.tables] == [(50, 8), (200, 2)]
    assert method.num_parameters == 800


def test_every_id_has_weights_of_its_own_if_they_take_less_than_half() -> None:
    # 8000 values, 2000 of them weights.
    method = make("multi_hash", 1_000, 8, weighted=True, compression_ratio=1.0).embedding
    assert [(t.num_rows, t.width) for t in method.tables] == [(750, 8), (1_000, 2)]
    ids = tf.constant([0, 7, 999])
    np.testing.assert_array_equal(method.rows(ids)[1], ids)


@pytest.mark.parametrize("weighted", [False, True])
def test_vectors_start_with_the_variance_of_a_full_table(weighted: bool) -> None:
    vectors = make("multi_hash", 20_000, 16, weighted=weighted)(tf.range(20_000)).numpy()
    # Uniform in +-1/sqrt(20000): the variance is a third of 1/20000.
    assert vectors.var() == pytest.approx(1 / 60_000, rel=0.1)


@pytest.mark.parametrize("vocabulary_size", [1, 2, 7, 1_003])
def test_bytes_with_weights_fall_as_the_ratio_rises(vocabulary_size: int) -> None:
    num_bytes = []
    for ratio in [*np.geomspace(1, 300, 200), 1e9]:
        config = MultiHashConfig(weighted=True, num_hashes=3, compression_ratio=ratio)
        method = MultiHash(vocabulary_size, 8, config, np.random.default_rng(0))
        num_bytes.append(serving_bytes([method]))
    assert num_bytes == sorted(num_bytes, reverse=True)
    assert num_bytes[-1] == 4 * (8 + 3)


def test_ids_that_share_one_row_differ_by_the_other() -> None:
    # 300 ids in 30 rows: 435 pairs of rows and 30 doubled ones.
    vectors = make("multi_hash", 300, 4, compression_ratio=10.0)(tf.range(300)).numpy()
    assert len(np.unique(vectors.round(6), axis=0)) > 150


def test_one_hash_function_is_refused() -> None:
    with pytest.raises(ValidationError, match="num_hashes"):
        MultiHashConfig(num_hashes=1)

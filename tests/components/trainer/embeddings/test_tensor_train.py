import math
from collections.abc import Sequence

import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from components.trainer.embeddings.base import serving_bytes
from components.trainer.embeddings.tensor_train import TensorTrain, TensorTrainConfig
from tests.components.trainer.embeddings.standalone import Standalone, make


def slow_vector(
    cores: Sequence[np.ndarray], dims: tuple[int, int, int], ranks: tuple[int, int], i: int
) -> np.ndarray:
    """The sum over both ranks, one entry at a time."""
    _, v2, v3 = (len(core) for core in cores)
    (d1, d2, d3), (r1, r2) = dims, ranks
    first = cores[0][i // (v2 * v3)].reshape(d1, r1)
    second = cores[1][i // v3 % v2].reshape(r1, d2, r2)
    third = cores[2][i % v3].reshape(r2, d3)
    return np.array(
        [
            sum(
                first[j1, a] * second[a, j2, b] * third[b, j3] for a in range(r1) for b in range(r2)
            )
            for j1 in range(d1)
            for j2 in range(d2)
            for j3 in range(d3)
        ]
    )


def sized(vocabulary_size: int, dim: int, ratio: float) -> TensorTrain:
    config = TensorTrainConfig(compression_ratio=ratio)
    return TensorTrain(vocabulary_size, dim, config, np.random.default_rng(0))


def get_cores(embedding: Standalone) -> list[np.ndarray]:
    """The cores as they are trained, float64 `[radix, width]` each."""
    arrays = [embedding.embedding.array(name).numpy() for name in ("first", "second")]
    return [core.astype(np.float64) for core in (*arrays, *embedding.get_tables())]


def set_cores(embedding: Standalone, cores: Sequence[np.ndarray]) -> None:
    for name, core in zip(("first", "second"), cores, strict=False):
        embedding.embedding.array(name).assign(core)
    embedding.set_tables(cores[2:])


def shapes(embedding: Standalone) -> list[tuple[int, int]]:
    return [(table.num_rows, table.width) for table in embedding.embedding.serving_form.tables]


def test_vector_is_the_product_in_a_case_worked_out_by_hand() -> None:
    # 8 ids are 2 * 2 * 2, width 3 is 1 * 1 * 3. Id 6 has the digits 1, 1, 0.
    embedding = make("tensor_train", 8, 3, rank=2)
    assert shapes(embedding) == [(2, 2), (2, 4), (2, 6)]
    first = np.array([[9, 9], [1, 2]], np.float32)
    second = np.array([[9, 9, 9, 9], [1, 0, 3, -1]], np.float32)
    third = np.array([[1, 2, 3, 10, 20, 30], [9, 9, 9, 9, 9, 9]], np.float32)
    set_cores(embedding, [first, second, third])
    # [1 2] x [[1 0] [3 -1]] = [7 -2]; times [[1 2 3] [10 20 30]] = [-13 -26 -39].
    for lookup in (embedding, embedding.served()):
        vector = lookup(tf.constant([6], tf.int64))
        np.testing.assert_array_equal(vector, [[-13, -26, -39]])


@pytest.mark.parametrize(
    ("vocabulary_size", "dim", "dims", "rank"),
    [(60, 12, (2, 2, 3), 3), (101, 8, (2, 2, 2), 9), (7, 5, (1, 1, 5), 1)],
)
def test_every_id_matches_the_slow_twin(
    vocabulary_size: int, dim: int, dims: tuple[int, int, int], rank: int
) -> None:
    embedding = make("tensor_train", vocabulary_size, dim, rank=rank)
    cores = get_cores(embedding)
    ids = range(vocabulary_size)
    expected = [slow_vector(cores, dims, (rank, rank), i) for i in ids]
    np.testing.assert_allclose(embedding(tf.constant(ids)), expected, rtol=1e-4, atol=1e-7)
    served = embedding.served()(tf.constant(ids, tf.int64))
    np.testing.assert_allclose(served, expected, rtol=1e-4, atol=1e-7)


def test_ids_of_a_vocabulary_with_too_many_pairs_match_the_slow_twin() -> None:
    # 3 million ids are 145 * 144 * 145, width 4 is 1 * 2 * 2.
    embedding = make("tensor_train", 3_000_000, 4, rank=3)
    cores = get_cores(embedding)
    assert len(cores[0]) * len(cores[1]) > 2**14
    ids = [0, 144, 145, 1_234_567, 2_999_999]
    expected = [slow_vector(cores, (1, 2, 2), (3, 3), i) for i in ids]
    np.testing.assert_allclose(embedding(tf.constant(ids)), expected, rtol=1e-4, atol=1e-8)


def test_vectors_with_two_ranks_match_the_slow_twin() -> None:
    # 1000 ids are 10 * 10 * 10, width 8 is 2 * 2 * 2: 20 r1 + 20 r1 r2 + 20 r2 parameters.
    # 8000 / 4 = 2000: 9 and 9 have 1980. 8000 / 4.5 = 1777: 8 and 9 have 1780, so 8 and 8: 1600.
    # 8000 / 4.4 = 1818: 8 and 9.
    embedding = make("tensor_train", 1_000, 8, compression_ratio=4.4)
    assert embedding.embedding.num_parameters == 1_780
    cores = get_cores(embedding)
    ids = [0, 9, 10, 123, 999]
    expected = [slow_vector(cores, (2, 2, 2), (8, 9), i) for i in ids]
    np.testing.assert_allclose(embedding(tf.constant(ids)), expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(("ratio", "num_parameters"), [(4.0, 1_980), (4.5, 1_600), (1e9, 60)])
def test_compression_ratio_gives_the_largest_ranks_below_it(
    ratio: float, num_parameters: int
) -> None:
    assert sized(1_000, 8, ratio).num_parameters == num_parameters


@pytest.mark.parametrize("vocabulary_size", [1, 2, 10, 64, 1_001, 3_000_000, 2**31 - 1])
@pytest.mark.parametrize("dim", [1, 13, 16])
def test_larger_ratio_never_gives_more_bytes(vocabulary_size: int, dim: int) -> None:
    ratios = np.geomspace(1, 1e9, 200)
    sizes = [serving_bytes([sized(vocabulary_size, dim, r)]) for r in ratios]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("ratio", [3.0, 50.0, 1_000.0])
def test_bytes_of_a_large_table_are_those_asked_for(ratio: float) -> None:
    goal = 1_000_000 * 16 * 4 / ratio
    assert serving_bytes([sized(1_000_000, 16, ratio)]) == pytest.approx(goal, rel=0.1)


@pytest.mark.parametrize("vocabulary_size", [1, 2, 3, 27, 64, 65, 1_000_003, 2**31 - 1])
def test_digits_have_room_for_every_id(vocabulary_size: int) -> None:
    rows = [table.num_rows for table in sized(vocabulary_size, 8, 4).serving_form.tables]
    assert vocabulary_size <= math.prod(rows) <= 2 * vocabulary_size
    assert max(rows) <= 2 * min(rows)


@pytest.mark.parametrize("ratio", [4.0, 100.0])
def test_entries_start_with_the_variance_of_a_full_table(ratio: float) -> None:
    vectors = make("tensor_train", 8_000, 8, compression_ratio=ratio)(tf.range(8_000)).numpy()
    assert vectors.std() == pytest.approx(1 / math.sqrt(3 * 8_000), rel=0.15)


def test_rank_below_one_is_refused() -> None:
    with pytest.raises(ValidationError, match="rank"):
        TensorTrainConfig(rank=0)

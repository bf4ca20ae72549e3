import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from components.trainer.embeddings.base import serving_bytes
from components.trainer.embeddings.product_quantized import (
    ProductQuantized,
    ProductQuantizedConfig,
)
from tests.components.trainer.embeddings.standalone import Standalone, make


def sized(vocabulary_size: int, dim: int, ratio: float) -> ProductQuantized:
    config = ProductQuantizedConfig(compression_ratio=ratio)
    return ProductQuantized(vocabulary_size, dim, config, np.random.default_rng(0))


def make_small(**options: object) -> Standalone:
    """20 ids of width 4 in two groups: 20 * 2 bytes of codes and 3 * 4 * 4 of centroids."""
    options = {"num_centroids": 3, "compression_ratio": 320 / 88} | options
    embedding = make("product_quantized", 20, 4, **options)
    assert embedding.embedding.array("centroids").shape == (2, 3, 2)
    return embedding


def slow_codes(query: np.ndarray, centroids: np.ndarray, num_allowed: int) -> list[int]:
    """The nearest centroid of each group, one after the other; a short last part is filled up."""
    num_groups, _, width = centroids.shape
    padded = np.zeros(num_groups * width)
    padded[: len(query)] = query
    codes = []
    for group in range(num_groups):
        part = padded[group * width : (group + 1) * width]
        distances = [np.sum((part - c) ** 2) for c in centroids[group][:num_allowed]]
        codes.append(int(np.argmin(distances)))
    return codes


def slow_vector(query: np.ndarray, centroids: np.ndarray, num_allowed: int) -> np.ndarray:
    codes = slow_codes(query, centroids, num_allowed)
    return np.concatenate([centroids[g, k] for g, k in enumerate(codes)])[: len(query)]


def test_vector_is_the_nearest_centroids_in_a_case_worked_out_by_hand() -> None:
    embedding = make_small()
    embedding.embedding.array("centroids").assign(
        [[[0, 0], [1, 1], [5, 5]], [[0, 4], [4, 0], [9, 9]]]
    )
    queries = np.zeros((20, 4), np.float32)
    queries[7] = [0.9, 0.4, 3.0, 0.5]
    embedding.set_tables([queries])
    # [0.9 0.4] is 0.97 from [0 0] and 0.37 from [1 1], squared; [3 0.5] is nearest to [4 0].
    np.testing.assert_array_equal(embedding(tf.constant([7])), [[1, 1, 4, 0]])


@pytest.mark.parametrize(
    ("vocabulary_size", "dim", "ratio"), [(300, 8, 2.0), (300, 7, 3.0), (500, 16, 6.0), (9, 5, 1.0)]
)
def test_every_id_matches_the_slow_twin(vocabulary_size: int, dim: int, ratio: float) -> None:
    embedding = make(
        "product_quantized", vocabulary_size, dim, compression_ratio=ratio, num_centroids=16
    )
    [queries] = embedding.get_tables()
    centroids = embedding.embedding.array("centroids").numpy()
    expected = [slow_vector(query, centroids, 16) for query in queries]
    np.testing.assert_array_equal(embedding(tf.range(vocabulary_size)), expected)


def test_served_codes_match_the_slow_twin() -> None:
    embedding = make("product_quantized", 300, 7, compression_ratio=3.0, num_centroids=16)
    [queries] = embedding.get_tables()
    centroids = embedding.embedding.array("centroids").numpy()
    embedding.served()
    codes = embedding.embedding.serving_form.array("codes")
    assert codes.dtype == tf.uint8
    np.testing.assert_array_equal(codes, [slow_codes(query, centroids, 16) for query in queries])


@pytest.mark.parametrize("dim", [7, 8])
def test_served_vectors_equal_the_trained_ones(dim: int) -> None:
    embedding = make("product_quantized", 1_000, dim, compression_ratio=5.0)
    ids = tf.range(1_000, dtype=tf.int64)
    np.testing.assert_array_equal(embedding.served()(ids), embedding(ids))


def test_gradient_of_a_vector_becomes_that_of_its_query() -> None:
    embedding = make_small()
    upstream = tf.constant([[1.0, -2.0, 3.0, 0.5]])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(embedding(tf.constant([7])) * upstream)
    [stack] = embedding.tables.stacks
    np.testing.assert_array_equal(tape.gradient(loss, stack).values, upstream)


def gradient_of_centroids(upstream: list[list[float]]) -> np.ndarray:
    """For the ids 0, 1, 2 of three centroids in each group."""
    embedding = make_small()
    embedding.embedding.array("centroids").assign(
        [[[0, 0], [1, 1], [5, 5]], [[0, 0], [1, 1], [5, 5]]]
    )
    queries = np.zeros((20, 4), np.float32)
    queries[:3] = [[1, 2, 4, 4], [2, 1, 4, 5], [0.1, 0, 9, 9]]
    embedding.set_tables([queries])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(embedding(tf.constant([0, 1, 2])) * tf.constant(upstream))
    return np.array(tape.gradient(loss, embedding.embedding.array("centroids")))


def test_centroids_move_towards_the_mean_of_their_queries() -> None:
    # Group 0: the queries [1 2], [2 1] are nearest to [1 1], [0.1 0] to [0 0].
    # Group 1: all are nearest to [5 5]; their mean is [17/3 6].
    expected = [[[-0.1, 0], [-0.5, -0.5], [0, 0]], [[0, 0], [0, 0], [-2 / 3, -1]]]
    gradient = gradient_of_centroids([[1.0] * 4] * 3)
    np.testing.assert_allclose(gradient, expected, atol=1e-6)


def test_row_without_a_gradient_moves_no_centroid() -> None:
    # As above, without id 2.
    expected = [[[0, 0], [-0.5, -0.5], [0, 0]], [[0, 0], [0, 0], [1, 0.5]]]
    gradient = gradient_of_centroids([[1.0] * 4, [0.0, 0.0, 0.0, 2.0], [0.0] * 4])
    np.testing.assert_allclose(gradient, expected, atol=1e-6)


def test_rare_ids_use_the_tail_centroids_only() -> None:
    embedding = make_small(tail_centroids=2)
    [queries] = embedding.get_tables()
    centroids = embedding.embedding.array("centroids").numpy()
    # The most frequent 10 % of 20 ids are 0 and 1.
    expected = [slow_vector(q, centroids, 3 if i < 2 else 2) for i, q in enumerate(queries)]
    np.testing.assert_array_equal(embedding(tf.range(20)), expected)
    without = [slow_vector(q, centroids, 3) for q in queries]
    assert not np.array_equal(expected, without)
    np.testing.assert_array_equal(embedding.served()(tf.range(20, dtype=tf.int64)), expected)


def test_maintenance_brings_vectors_closer_to_their_queries() -> None:
    embedding = make("product_quantized", 2_000, 8, compression_ratio=8.0, num_centroids=64)
    queries = np.random.default_rng(1).normal(5.0, 1.0, (2_000, 8)).astype(np.float32)
    embedding.set_tables([queries])
    ids = tf.range(2_000)
    before = np.mean((embedding(ids).numpy() - queries) ** 2)
    embedding.tables.maintain(embedding.embedding.maintenance[0])
    after = np.mean((embedding(ids).numpy() - queries) ** 2)
    # The centroids start around 0, so the first is the second moment, 26. The best quantizer of a
    # Gaussian in 2 or more dimensions with 64 points leaves less than its 1 per dimension.
    assert before > 20
    assert after < 0.6
    np.testing.assert_array_equal(embedding.get_tables()[0], queries)


def test_maintenance_with_a_tail_gives_frequent_ids_the_other_centroids() -> None:
    embedding = make_small(tail_centroids=1)
    queries = np.ones((20, 4), np.float32)
    queries[:2] = [[8, 8, 8, 8], [9, 9, 9, 9]]
    embedding.set_tables([queries])
    embedding.tables.maintain(embedding.embedding.maintenance[0])
    # The one centroid for all ids is the mean, (18 * 1 + 8 + 9) / 20.
    expected = np.array([8, 9] + [1.75] * 18)[:, None] * np.ones(4)
    np.testing.assert_allclose(embedding(tf.range(20)), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("ratio", "num_bytes"),
    [
        # 16 wide: 32 centroids are 2048 bytes, and each group a byte for an id.
        (4.0, 100_000 * 8 + 2_048),  # 16 groups have 2048 bytes too many, the next are 8
        (3.9, 100_000 * 16 + 2_048),
        (10.0, 100_000 * 6 + 4 * 32 * 18),  # 6 groups of 3, the last one with 1
        (1e9, 100_000 + 2_048),
    ],
)
def test_compression_ratio_gives_the_most_groups_below_it(ratio: float, num_bytes: int) -> None:
    assert serving_bytes([sized(100_000, 16, ratio)]) == num_bytes


@pytest.mark.parametrize("vocabulary_size", [1, 2, 10, 64, 1_001, 3_000_000, 2**31 - 1])
@pytest.mark.parametrize("dim", [1, 13, 16])
def test_larger_ratio_never_gives_more_bytes(vocabulary_size: int, dim: int) -> None:
    sizes = [serving_bytes([sized(vocabulary_size, dim, r)]) for r in np.geomspace(1, 1e9, 100)]
    assert sizes == sorted(sizes, reverse=True)


def test_more_tail_centroids_than_centroids_are_refused() -> None:
    with pytest.raises(ValidationError, match="tail_centroids: expected at most num_centroids, 32"):
        ProductQuantizedConfig(tail_centroids=33)

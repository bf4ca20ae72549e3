import numpy as np

from components.trainer.embeddings.parts.k_means import group_means, k_means, nearest


def test_centroids_of_separate_clusters_are_their_means() -> None:
    rng = np.random.default_rng(0)
    means = np.array([[0, 0], [10, 0], [0, 10]], np.float32)
    noise = rng.normal(0, 0.1, (3, 500, 2)).astype(np.float32)
    clusters = means[:, None] + noise
    found = k_means(clusters.reshape(-1, 2), 3, np.random.default_rng(4))
    assert found.dtype == np.float32
    order = nearest(means, found)
    assert sorted(order) == [0, 1, 2]
    np.testing.assert_allclose(found[order], clusters.mean(axis=1), atol=0.05)


def test_few_vectors_are_centroids_themselves() -> None:
    vectors = np.array([[1, 2], [3, 4]], np.float32)
    found = k_means(vectors, 3, np.random.default_rng(0))
    np.testing.assert_array_equal(found, [[1, 2], [3, 4], [0, 0]])


def test_equal_seeds_give_equal_centroids() -> None:
    vectors = np.random.default_rng(0).normal(size=(5_000, 3)).astype(np.float32)
    first, second = (k_means(vectors, 8, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_nearest_is_the_smallest_distance() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(200, 3)).astype(np.float32)
    centroids = rng.normal(size=(9, 3)).astype(np.float32)
    slow = [int(np.argmin([np.sum((v - c) ** 2) for c in centroids])) for v in vectors]
    np.testing.assert_array_equal(nearest(vectors, centroids), slow)


def test_many_centroids_of_equal_vectors_are_finite() -> None:
    found = k_means(np.ones((100, 2), np.float32), 5, np.random.default_rng(0))
    np.testing.assert_array_equal(found, np.ones((5, 2)))


def test_centroids_too_many_to_spread_cut_the_distance_of_a_random_choice() -> None:
    vectors = np.random.default_rng(0).normal(size=(6_000, 2)).astype(np.float32)
    found = k_means(vectors, 1_100, np.random.default_rng(0))
    chosen = vectors[:1_100]
    squares = [np.mean((vectors - c[nearest(vectors, c)]) ** 2) for c in (found, chosen)]
    assert found.shape == (1_100, 2)
    assert squares[0] < 0.75 * squares[1]


def test_group_means_are_those_worked_out_by_hand() -> None:
    vectors = np.array([[1, 2], [3, 6], [5, 5]], np.float32)
    empty = np.array([[9, 9], [7, 7], [9, 9]], np.float32)
    means = group_means(vectors, np.array([2, 2, 0]), empty)
    np.testing.assert_array_equal(means, [[5, 5], [7, 7], [2, 4]])

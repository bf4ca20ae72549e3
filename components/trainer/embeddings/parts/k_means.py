"""Clusters of vectors, for the methods that share rows among similar ids."""

import numpy as np
from sklearn.cluster import kmeans_plusplus

# More vectors for each centroid do not place it better: the default of Faiss.
_SAMPLES_PER_CENTROID = 256
_FEWEST_SAMPLES_PER_CENTROID = 4
# Pairs of a vector and a centroid in one iteration: below a second on two cores.
_MAX_PAIRS = 10**8
_MAX_ITERATIONS = 10
# Choosing distant vectors to start from takes longer than all iterations where there are more.
_MOST_SPREAD_CENTROIDS = 256
# Distances in memory at once.
_CHUNK_PAIRS = 2**22


def k_means(vectors: np.ndarray, num_centroids: int, rng: np.random.Generator) -> np.ndarray:
    """Returns centroids of a sample of vectors, float32 `[num_centroids, width]`.

    Lloyd 1982, "Least Squares Quantization in PCM", from vectors that lie far apart (Arthur and
    Vassilvitskii 2007, "k-means++"), or from any where the centroids are many. If there are no more
    vectors than centroids, each vector is one, and the rest are 0. Equal arguments give equal
    centroids.

    Args:
      vectors: float32 `[num_vectors, width]`, one or more.
      num_centroids: 1 or more.
      rng: the source of all random choices.
    """
    if len(vectors) <= num_centroids:
        missing = num_centroids - len(vectors)
        return np.concatenate([vectors, np.zeros((missing, vectors.shape[1]), np.float32)])
    num_samples = max(
        min(_SAMPLES_PER_CENTROID * num_centroids, _MAX_PAIRS // num_centroids),
        _FEWEST_SAMPLES_PER_CENTROID * num_centroids,
    )
    if len(vectors) > num_samples:
        vectors = vectors[rng.choice(len(vectors), num_samples, replace=False)]
    centroids = _start(vectors, num_centroids, rng)
    labels = nearest(vectors, centroids)
    for _ in range(_MAX_ITERATIONS):
        centroids = group_means(vectors, labels, centroids)
        previous, labels = labels, nearest(vectors, centroids)
        if np.array_equal(labels, previous):
            break
    return centroids


def nearest(vectors: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """Returns the centroid at the smallest Euclidean distance for each vector, int64.

    Args:
      vectors: float32 `[num_vectors, width]`.
      centroids: float32 `[num_centroids, width]`.
    """
    # |v - c|**2 without |v|**2, which is the same for all centroids: one matrix product.
    lengths = np.sum(centroids**2, axis=1, keepdims=True)
    weights = np.concatenate([-2 * centroids, lengths], axis=1).T
    found = np.empty(len(vectors), np.int64)
    num_rows = max(1, _CHUNK_PAIRS // len(centroids))
    for start in range(0, len(vectors), num_rows):
        part = vectors[start : start + num_rows]
        ones = np.ones((len(part), 1), part.dtype)
        found[start : start + num_rows] = (np.concatenate([part, ones], axis=1) @ weights).argmin(1)
    return found


def group_means(vectors: np.ndarray, groups: np.ndarray, empty: np.ndarray) -> np.ndarray:
    """Returns the mean of the vectors in each group, float32 `[num_groups, width]`.

    Args:
      vectors: float32 `[num_vectors, width]`.
      groups: integers `[num_vectors]`, in `[0, num_groups)`.
      empty: what stands for the mean of an empty group, float32 `[num_groups, width]`.
    """
    counts = np.bincount(groups, minlength=len(empty))[:, None]
    sums = [np.bincount(groups, weights=column, minlength=len(empty)) for column in vectors.T]
    means = np.stack(sums, axis=1) / np.maximum(counts, 1)
    return np.where(counts > 0, means, empty).astype(np.float32)


def _start(vectors: np.ndarray, num_centroids: int, rng: np.random.Generator) -> np.ndarray:
    if num_centroids > _MOST_SPREAD_CENTROIDS:
        return vectors[rng.choice(len(vectors), num_centroids, replace=False)]
    seed = int(rng.integers(2**31))
    centroids, _ = kmeans_plusplus(vectors, num_centroids, random_state=seed)
    return np.asarray(centroids, np.float32)

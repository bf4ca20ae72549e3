"""Product quantization that is trained: a code for each id, and centroids that the codes name."""

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from pydantic import Field, model_validator

from components.trainer.embeddings.base import Embedding
from components.trainer.embeddings.parts.coded_vectors import CodedVectors
from components.trainer.embeddings.parts.k_means import k_means
from components.trainer.method_config import SizedConfig

# Centroids that no query is near to stay unused: now and then all are placed anew.
_CLUSTERINGS = (0.1, 0.25, 0.5)
_HEAD_FRACTION = 0.1
# Up to this width XLA compiles a sum of outer products to faster code for CPUs than a matmul.
_LARGEST_UNROLLED_WIDTH = 4
_CHUNK_ROWS = 2**13
_ROUNDING = 1e-6


class ProductQuantizedConfig(SizedConfig):
    """Options of `ProductQuantized`.

    Attributes:
      num_centroids: K of the paper, for each group; a code takes a byte, whatever K is, but a step
        of training takes time in proportion to K. A feature has no more than it has ids.
      tail_centroids: how many of them an id may use that is not among the most frequent 10 %: the
        variable number of centroids of MGQE. None: all.
    """

    num_centroids: int = Field(default=32, ge=2, le=256)
    tail_centroids: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _has_the_tail_centroids(self) -> "ProductQuantizedConfig":
        if self.tail_centroids is not None and self.tail_centroids > self.num_centroids:
            raise ValueError(
                f"tail_centroids: expected at most num_centroids, {self.num_centroids}; "
                f"received {self.tail_centroids}"
            )
        return self


class ProductQuantized(Embedding):
    """`e(id)` is `C[g, codes[id, g]]` for all groups `g`, side by side.

    A vector is cut into groups of equal width; what the last one has too much is 0. Training keeps
    a row `Q[id]` for every id, the query, and `codes[id, g]` is the centroid of group `g` that is
    nearest to that part of it (DPQ-VQ: keys are values). The gradient of the vector becomes that of
    the query, unchanged. The centroids have none of the loss: they follow their queries, by the
    gradient `C[g, k] - mean(its queries in the batch)`. That of the paper's second loss term is the
    same but for the factor, which there depends on the size of the batch; rows without a gradient
    do not count. Three times in the first half of the training, centroids are placed anew by
    k-means; the paper does not do so. With several replicas the mean is that of their means, so the
    centroids differ a little from those of one device. Served are the codes, uint8, and the
    centroids.

    The compression ratio chooses the number of groups, at most `embedding_dim`, and for small
    tables the number of centroids: `4 * embedding_dim` is the largest ratio, `4` about the smallest
    that is met.

    Source: Chen et al. 2020, "Differentiable Product Quantization for End-to-End Embedding
    Compression", the centroid-based approximation; Kang et al. 2020, "Learning Multi-granular
    Quantized Embeddings for Large-Vocab Categorical Features in Recommender Systems" (MGQE).
    Queries and centroids start as the rows of a full table.

    Parameters in training: `vocabulary_size * embedding_dim + num_groups * num_centroids * width`.
    Bytes served: `vocabulary_size * num_groups + 4 * num_groups * num_centroids * width`.
    """

    Config = ProductQuantizedConfig

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        config: ProductQuantizedConfig,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(vocabulary_size, embedding_dim, config, rng)
        self.maintenance = _CLUSTERINGS
        self._shape = _codebook_shape(vocabulary_size, embedding_dim, config)
        self._num_tail = min(config.tail_centroids or self._shape[1], self._shape[1])
        self._num_head_ids = math.ceil(_HEAD_FRACTION * vocabulary_size)
        self.add_table(vocabulary_size, embedding_dim)
        seed = int(rng.integers(2**31))
        self.add_array("centroids", self._shape, lambda: self._initial_centroids(seed))
        self._served = CodedVectors(vocabulary_size, embedding_dim, self._shape, rng)

    def _initial_centroids(self, seed: int) -> tf.Tensor:
        num_groups, num_centroids, width = self._shape
        limit = 1.0 / math.sqrt(self.vocabulary_size)
        values = tf.random.stateless_uniform(
            [num_centroids, self.embedding_dim], (seed, 0), -limit, limit
        )
        return _to_groups(values, num_groups, width)

    def combine(self, vectors: Sequence[tf.Tensor], ids: tf.Tensor) -> tf.Tensor:
        """Returns the centroids that are nearest to the query of each id."""
        [query] = vectors
        num_groups, _, width = self._shape
        queries = _to_groups(query, num_groups, width)
        centroids = tf.convert_to_tensor(self.array("centroids"))
        codes = self._nearest(queries, centroids, ids)
        joined = tf.transpose(_quantize(queries, centroids, codes), [1, 0, 2])
        return tf.reshape(joined, [-1, num_groups * width])[:, : self.embedding_dim]

    def _nearest(self, queries: tf.Tensor, centroids: tf.Tensor, ids: tf.Tensor) -> tf.Tensor:
        """The code of each query, int32 `[num_groups, batch]`."""
        num_centroids = self._shape[1]
        distances = _distances(queries, centroids)
        if self._num_tail < num_centroids:
            is_tail = ids >= tf.constant(self._num_head_ids, ids.dtype)
            is_kept_from_it = tf.range(num_centroids) >= self._num_tail
            refused = is_kept_from_it[:, None] & is_tail
            distances = tf.where(refused, tf.constant(np.inf, tf.float32), distances)
        # XLA compiles two plain minima to faster code for CPUs than one argmin. It may compute the
        # distances for each of them, so they are equal but for their rounding.
        least = tf.reduce_min(distances, axis=1, keepdims=True)
        is_least = distances <= least + _ROUNDING * tf.abs(least)
        positions = tf.range(num_centroids)[:, None]
        return tf.reduce_min(tf.where(is_least, positions, num_centroids), axis=1)

    def maintain(self, progress: float, values: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """Places the centroids anew; the queries stay."""
        [queries] = values
        rng = np.random.default_rng([int(1000 * progress), self.vocabulary_size])
        num_groups, num_centroids, width = self._shape
        groups = _to_groups(tf.constant(queries), num_groups, width).numpy()
        head, tail = self._num_head_ids, self._num_tail
        placed = []
        for group in groups:
            if tail == num_centroids:
                placed.append(k_means(group, num_centroids, rng))
                continue
            of_all = k_means(group, tail, rng)
            of_head = k_means(group[:head], num_centroids - tail, rng)
            placed.append(np.concatenate([of_all, of_head]))
        self.array("centroids").assign(np.stack(placed))
        return values

    @property
    def serving_form(self) -> CodedVectors:
        """Codes and centroids, without the queries."""
        return self._served

    def to_serving(
        self, values: Sequence[np.ndarray]
    ) -> tuple[Sequence[np.ndarray], dict[str, np.ndarray]]:
        """Returns the centroids of all groups behind each other, and the code of each id."""
        [queries] = values
        num_groups, _, width = self._shape
        centroids = self.array("centroids").numpy()
        codes = np.empty((self.vocabulary_size, num_groups), np.uint8)
        for start in range(0, self.vocabulary_size, _CHUNK_ROWS):
            chunk = tf.constant(queries[start : start + _CHUNK_ROWS])
            ids = tf.range(start, start + len(chunk), dtype=tf.int64)
            of_chunk = self._nearest(_to_groups(chunk, num_groups, width), centroids, ids)
            codes[start : start + len(chunk)] = of_chunk.numpy().T
        return [centroids.reshape(-1, width)], {"codes": codes}


def _to_groups(vectors: tf.Tensor, num_groups: int, width: int) -> tf.Tensor:
    """Cuts `[batch, embedding_dim]` into `[num_groups, batch, width]`."""
    padding = num_groups * width - vectors.shape[1]
    padded = tf.pad(vectors, [[0, 0], [0, padding]])
    return tf.transpose(tf.reshape(padded, [-1, num_groups, width]), [1, 0, 2])


def _distances(queries: tf.Tensor, centroids: tf.Tensor) -> tf.Tensor:
    """Squared, less the query's own square: float32 `[num_groups, num_centroids, batch]`."""
    squares = tf.reduce_sum(centroids**2, axis=2)[:, :, None]
    if queries.shape[2] > _LARGEST_UNROLLED_WIDTH:
        return squares - 2.0 * tf.matmul(centroids, queries, transpose_b=True)
    columns = zip(tf.unstack(centroids, axis=2), tf.unstack(queries, axis=2), strict=True)
    return squares - 2.0 * tf.add_n([c[:, :, None] * q[:, None] for c, q in columns])


@tf.custom_gradient
def _quantize(queries: tf.Tensor, centroids: tf.Tensor, codes: tf.Tensor) -> tf.Tensor:
    """Returns the centroids that codes name, `[num_groups, batch, width]`."""
    width, num_centroids = centroids.shape[2], centroids.shape[1]

    def gradients(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, None]:
        counts_in = tf.reduce_any(upstream != 0.0, axis=[0, 2])  # a padding row moves nothing
        is_chosen = codes[:, None] == tf.range(num_centroids)[:, None]
        weights = tf.cast(is_chosen & counts_in, tf.float32)
        ones = tf.ones_like(queries[..., :1])
        sums = tf.matmul(weights, tf.concat([queries, ones], axis=2))
        sum_of_queries, num_queries = tf.split(sums, [width, 1], axis=2)
        mean = sum_of_queries / tf.maximum(num_queries, 1.0)
        # Replicas add their gradients up; each has the mean of its own rows.
        share = 1.0 / tf.distribute.get_strategy().num_replicas_in_sync
        return upstream, tf.where(num_queries > 0.0, share * (centroids - mean), 0.0), None

    return tf.gather(centroids, codes, batch_dims=1), gradients


def _codebook_shape(
    vocabulary_size: int, embedding_dim: int, config: ProductQuantizedConfig
) -> tuple[int, int, int]:
    """The numbers of groups and of centroids in each, and the width of a group.

    The most bytes that the compression ratio allows. Where even one group has more, it has fewer
    centroids, but no codebook smaller than the codes.
    """
    num_centroids = min(config.num_centroids, vocabulary_size)
    goal = 4 * vocabulary_size * embedding_dim / config.compression_ratio
    widths = {-(-embedding_dim // width): width for width in range(embedding_dim, 0, -1)}
    by_bytes = {
        groups * (vocabulary_size + 4 * num_centroids * width): (groups, num_centroids, width)
        for groups, width in widths.items()
    }
    fitting = [num_bytes for num_bytes in by_bytes if num_bytes <= goal]
    if fitting:
        return by_bytes[max(fitting)]
    fewest = max(1, vocabulary_size // (4 * embedding_dim))
    affordable = int((goal - vocabulary_size) // (4 * embedding_dim))
    return 1, min(max(affordable, fewest), num_centroids), embedding_dim

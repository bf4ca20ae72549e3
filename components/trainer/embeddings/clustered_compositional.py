"""Clustered compositional embeddings: hashed vectors whose ids are sorted into clusters."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from pydantic import Field

from components.trainer.embeddings.base import Embedding
from components.trainer.embeddings.parts.k_means import k_means, nearest
from components.trainer.embeddings.parts.universal_hash import UniversalHash
from components.trainer.method_config import SizedConfig


class ClusteredCompositionalConfig(SizedConfig):
    """Options of `ClusteredCompositional`.

    Attributes:
      num_columns: c of the paper; at most `embedding_dim` are used.
      num_clusterings: how often ids are clustered, at equal distances in the first half of the
        training; the second half trains what came out. 0: never, all is hashed.
    """

    num_columns: int = Field(default=4, ge=1, le=64)
    num_clusterings: int = Field(default=4, ge=0, le=20)


class ClusteredCompositional(Embedding):
    """`e(id)` is `A[i, pointers[id, i]] + B[i, h_i(id)]` for all columns `i`, side by side.

    Each column has two tables of `num_rows` rows. The pointers start as a second hash. At a
    clustering the `num_rows` centroids of the vectors that all ids have in a column become `A`
    (k-means), the pointers name the centroid nearest to each id, `B` starts again at 0, and its
    hash `h_i` is drawn anew. Ids that are alike then share a row, and `B` learns what tells them
    apart.

    The pointers are served and count here, as do those of the hashes; in the paper only parameters
    do. Of the bytes that the compression ratio leaves they get about half, as uint8, uint16 or
    int32 by `num_rows`. If that is not enough for all ids, there are `num_slots` pointers in a
    column: the first half is for the most frequent ids, one each, the rest of the ids is hashed to
    the other half. Then "id" means that slot in all of the above.

    Source: Tsang and Ahle 2023, "Clustering the Sketch: Dynamic Compression for Embedding Tables",
    the algorithm CCE. The values start uniform with half the variance of a full table's, so that
    their sums have all of it. Slots are not in the paper: without them no vocabulary could take
    less than `num_columns` bytes an id.

    Parameters: `2 * num_columns * num_rows * width` with `width = ceil(embedding_dim /
    num_columns)`. Bytes beside them: `num_slots * num_columns * (1, 2 or 4) + 16 * num_columns`.
    """

    Config = ClusteredCompositionalConfig

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        config: ClusteredCompositionalConfig,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(vocabulary_size, embedding_dim, config, rng)
        times = range(1, config.num_clusterings + 1)
        self.maintenance = tuple(i / (2 * config.num_clusterings) for i in times)
        self._width = -(-embedding_dim // min(config.num_columns, embedding_dim))
        self._num_columns = -(-embedding_dim // self._width)
        goal = 4 * vocabulary_size * embedding_dim / config.compression_ratio
        self._num_rows, self._num_slots = _sizes(
            vocabulary_size, self._num_columns, self._width, goal
        )
        self._num_own_slots = self._num_slots // 2
        num_shared_slots = self._num_slots - self._num_own_slots
        self._slot_hash = UniversalHash.draw(num_shared_slots, rng)
        self._first_pointers = self._draw_hashes(rng)
        self._first_hashes = self._draw_hashes(rng)
        limit = (2 * vocabulary_size) ** -0.5
        num_lookups = 2 * self._num_columns
        self.add_table(num_lookups * self._num_rows, self._width, -limit, limit, num_lookups)
        self._add_index()

    def _add_index(self) -> None:
        """Asks for the pointers, and for the multipliers and offsets of the hashes."""
        dtype = tf.as_dtype(_pointer_type(self._num_rows))
        shape = (self._num_slots, self._num_columns)
        first = self._first_pointers
        self.add_array(
            "pointers",
            shape,
            lambda: tf.cast(_hash(tf.range(shape[0]), first, self._num_rows), dtype),
            dtype,
            trainable=False,
        )
        self.add_array(
            "hashes",
            self._first_hashes.shape,
            lambda: tf.constant(self._first_hashes),
            tf.int64,
            trainable=False,
        )

    def _draw_hashes(self, rng: np.random.Generator) -> np.ndarray:
        """For each column the multiplier and the offset of a hash, int64 `[2, num_columns]`."""
        drawn = [UniversalHash.draw(self._num_rows, rng) for _ in range(self._num_columns)]
        return np.array([[h.multiplier for h in drawn], [h.offset for h in drawn]], np.int64)

    def _slots(self, ids: tf.Tensor) -> tf.Tensor:
        """The slot of each id, int64 `[batch]`."""
        ids = tf.cast(ids, tf.int64)
        if self._num_slots == self.vocabulary_size:
            return ids
        shared = self._num_own_slots + self._slot_hash(ids)
        return tf.where(ids < self._num_own_slots, ids, shared)

    def rows(self, ids: tf.Tensor) -> list[tf.Tensor]:
        """Returns the rows of all columns in the first tables, then those in the second ones.

        They are int64 `[batch, 2 * num_columns]`.
        """
        slots = self._slots(ids)
        pointers = tf.cast(tf.gather(self.array("pointers"), slots), tf.int64)
        hashed = _hash(slots, self.array("hashes"), self._num_rows)
        num_tables = 2 * self._num_columns
        first_rows = tf.range(num_tables, dtype=tf.int64) * self._num_rows
        return [tf.concat([pointers, hashed], axis=1) + first_rows]

    def combine(self, vectors: Sequence[tf.Tensor], ids: tf.Tensor) -> tf.Tensor:
        """Returns the sums of the two rows of each column, side by side."""
        pointed, hashed = tf.split(vectors[0], 2, axis=1)
        joined = tf.reshape(pointed + hashed, [-1, self._num_columns * self._width])
        return joined[:, : self.embedding_dim]

    def maintain(self, progress: float, values: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """Clusters the slots in each column."""
        rng = np.random.default_rng([round(1000 * progress), *self._first_hashes[0]])
        shape = (2, self._num_columns, self._num_rows, self._width)
        pointed, hashed = values[0].reshape(shape)
        pointers = self.array("pointers").numpy()
        slots = np.arange(self._num_slots)
        buckets = _hash(slots, self.array("hashes"), self._num_rows).numpy()
        centroids = np.empty_like(pointed)
        for column in range(self._num_columns):
            vectors = pointed[column, pointers[:, column]] + hashed[column, buckets[:, column]]
            centroids[column] = k_means(vectors, self._num_rows, rng)
            pointers[:, column] = nearest(vectors, centroids[column])
        self.array("pointers").assign(pointers)
        self.array("hashes").assign(self._draw_hashes(rng))
        return [np.stack([centroids, np.zeros_like(hashed)]).reshape(values[0].shape)]


def _hash(ids: tf.Tensor, hashes: tf.Tensor, num_buckets: int) -> tf.Tensor:
    """The bucket of each id in each column, int64 `[batch, num_columns]`."""
    multipliers, offsets = tf.unstack(hashes)
    return UniversalHash(multipliers, offsets, num_buckets)(ids[:, None])


def _pointer_type(num_rows: int) -> type[np.generic]:
    if num_rows <= 2**8:
        return np.uint8
    return np.uint16 if num_rows <= 2**16 else np.int32


def _sizes(vocabulary_size: int, num_columns: int, width: int, num_bytes: float) -> tuple[int, int]:
    """The rows of a table and the number of slots that have about so many bytes, and no more.

    A row more in all tables is the unit; the pointers get half of the units, or what they need.
    """
    unit = 8 * num_columns * width
    num_units = max(1, int((num_bytes - 16 * num_columns) // unit))
    half = -(-num_units // 2)
    for_pointers = (num_units - half) * unit
    slot_bytes = num_columns * np.dtype(_pointer_type(half)).itemsize
    if vocabulary_size * slot_bytes > for_pointers:
        return half, max(1, for_pointers // slot_bytes)

    def num_rows(pointer_bytes: int) -> int:
        return num_units - -(-vocabulary_size * num_columns * pointer_bytes // unit)

    for pointer_bytes in (1, 2):
        most = 2 ** (8 * pointer_bytes)
        if num_rows(2 * pointer_bytes) <= most:
            return min(num_rows(pointer_bytes), most), vocabulary_size
    return num_rows(4), vocabulary_size

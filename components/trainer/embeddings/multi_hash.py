"""Several hash functions into one table: the rows of an id are summed, or weighted and summed."""

import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from pydantic import Field

from components.trainer.embeddings.base import Embedding
from components.trainer.embeddings.parts.universal_hash import UniversalHash, hash_all
from components.trainer.method_config import SizedConfig


class MultiHashConfig(SizedConfig):
    """Options of `MultiHash`.

    Attributes:
      num_hashes: how many rows make a vector; with one it would be `hashing`.
      weighted: whether an id weighs its rows with importance parameters of its own.
    """

    num_hashes: int = Field(default=2, ge=2, le=16)
    weighted: bool = False


class MultiHash(Embedding):
    """`e(id) = sum_i W[h_i(id)]`, or with `weighted` `e(id) = sum_i P[h(id)][i] * W[h_i(id)]`.

    Two ids have one vector only where all their hash functions agree. The `h_i` are independent
    `UniversalHash`es. `P` has a row for each id if these take no more than half of the bytes, and
    `h` is then the id itself; else it has half of the bytes, and `h` hashes too. (As the paper
    wants it, these are many more rows than those of `W`: `embedding_dim / num_hashes` times as
    many.)

    Source: Serra & Karatzoglou 2017, "Getting Deep Recommenders Fit: Bloom Embeddings for Sparse
    Binary Input/Output Networks", section 3 (the input side). Weighted: Svenstrup et al. 2017,
    "Hash Embeddings for Efficient Word Representations", section 3, without the option to append
    the weights to the vector.

    Vectors start with the variance of a full table's: summed rows are `1/sqrt(num_hashes)` times
    as large as those; weights are uniform in `(0, sqrt(3 / num_hashes))`. (The paper starts them
    around 0, which leaves the rows almost no gradient at first.)

    Parameters: `ceil(vocabulary_size / compression_ratio) * embedding_dim`, rounded up to whole
    rows of both tables with `weighted`.
    """

    Config = MultiHashConfig

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        config: MultiHashConfig,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(vocabulary_size, embedding_dim, config, rng)
        self._num_hashes = config.num_hashes
        self._weighted = config.weighted
        num_values = vocabulary_size * embedding_dim / config.compression_ratio
        num_weights = min(num_values / 2, vocabulary_size * config.num_hashes)
        if not config.weighted:
            num_weights = 0.0
        num_rows = math.ceil((num_values - num_weights) / embedding_dim)
        self._hashes = [UniversalHash.draw(num_rows, rng) for _ in range(config.num_hashes)]
        high = 1.0 / math.sqrt(vocabulary_size * (1 if config.weighted else config.num_hashes))
        self.add_table(num_rows, embedding_dim, -high, high, num_lookups=config.num_hashes)
        if config.weighted:
            num_weight_rows = math.ceil(num_weights / config.num_hashes)
            self._weight_hash = (
                UniversalHash.draw(num_weight_rows, rng)
                if num_weight_rows < vocabulary_size
                else None
            )
            high = math.sqrt(3.0 / config.num_hashes)
            self.add_table(num_weight_rows, config.num_hashes, 0.0, high)

    def rows(self, ids: tf.Tensor) -> list[tf.Tensor]:
        """Returns the rows, int64 `[batch, num_hashes]`, and that of the weights, `[batch]`."""
        rows = hash_all(self._hashes, ids)
        if not self._weighted:
            return [rows]
        return [rows, ids if self._weight_hash is None else self._weight_hash(ids)]

    def combine(self, vectors: Sequence[tf.Tensor], ids: tf.Tensor) -> tf.Tensor:
        """Returns the sum of the rows of each id, each times its weight if there are weights."""
        if not self._weighted:
            return tf.reduce_sum(vectors[0], axis=1)
        rows, weights = vectors
        return tf.reduce_sum(rows * weights[:, :, None], axis=1)

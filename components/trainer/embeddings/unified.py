"""One table for all features: each hashes into it with functions of its own."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from pydantic import Field

from components.trainer.embeddings.parts.shared_table import SharedTableEmbedding
from components.trainer.embeddings.parts.table import Table
from components.trainer.embeddings.parts.universal_hash import UniversalHash, hash_all
from components.trainer.method_config import SizedConfig


class UnifiedConfig(SizedConfig):
    """Options of `Unified`.

    Attributes:
      num_lookups: how many rows, side by side, make a vector; it must divide `embedding_dim`.
    """

    num_lookups: int = Field(default=1, ge=1)

    def check_embedding_dim(self, embedding_dim: int) -> None:
        """Refuses a width that has no `num_lookups` equal parts.

        Raises:
          ValueError: if it is not a multiple.
        """
        if embedding_dim % self.num_lookups:
            raise ValueError(
                f"num_lookups {self.num_lookups} must divide embedding_dim; received "
                f"{embedding_dim}"
            )


class Unified(SharedTableEmbedding):
    """`e_f(id) = [W[h_f1(id)] ; ... ; W[h_fk(id)]]` with one table `W` for all features `f`.

    A row is `embedding_dim / num_lookups` wide; more lookups make it rarer that two ids have the
    same vector. The functions are independent `UniversalHash`es. Features with another
    `embedding_dim` share another table.

    Source: Coleman et al. 2023, "Unified Embedding: Battle-Tested Feature Representations for
    Web-Scale ML Systems", feature multiplexing (one table) and unified embedding (several lookups,
    side by side). The table starts as a full table does that holds the ids of all features: uniform
    in `+-1/sqrt(their number)`.

    Parameters of all features: `ceil(num_lookups * sum(vocabulary_size) / compression_ratio) *
    embedding_dim / num_lookups`.
    """

    Config = UnifiedConfig

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        config: UnifiedConfig,
        rng: np.random.Generator,
        table: Table | None = None,
    ) -> None:
        super().__init__(vocabulary_size, embedding_dim, config, rng, table)
        num_rows = self.tables[0].num_rows
        self._hashes = [UniversalHash.draw(num_rows, rng) for _ in range(config.num_lookups)]

    @staticmethod
    def row_shape(embedding_dim: int, config: SizedConfig) -> tuple[int, int]:
        """Returns `embedding_dim / num_lookups` and `num_lookups`."""
        assert isinstance(config, UnifiedConfig)
        return embedding_dim // config.num_lookups, config.num_lookups

    def rows(self, ids: tf.Tensor) -> list[tf.Tensor]:
        """Returns the rows that each id hashes to, int64 `[batch]` or `[batch, num_lookups]`."""
        if len(self._hashes) == 1:
            return [self._hashes[0](ids)]
        return [hash_all(self._hashes, ids)]

    def combine(self, vectors: Sequence[tf.Tensor], ids: tf.Tensor) -> tf.Tensor:
        """Returns the rows of each id side by side."""
        return tf.reshape(vectors[0], [-1, self.embedding_dim])

"""What every method is whose features share one table."""

import abc
import math
from collections.abc import Sequence

import numpy as np

from components.trainer.embeddings.base import Embedding
from components.trainer.embeddings.parts.table import Table
from components.trainer.embeddings.parts.universal_hash import PRIME
from components.trainer.method_config import MethodConfig, SizedConfig


class SharedTableEmbedding(Embedding, abc.ABC):
    """Features of one `embedding_dim` look their rows up in one and the same table.

    The table has the size of all of them together: `num_rows * width` is the sum of
    `vocabulary_size * embedding_dim / compression_ratio`, rounded up to a whole row. It starts as a
    full table does that holds the ids of all of them: uniform in `+-1/sqrt(number of ids)`.
    """

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        config: SizedConfig,
        rng: np.random.Generator,
        table: Table | None = None,
    ) -> None:
        """Takes the table.

        Args:
          vocabulary_size, embedding_dim, config, rng: see `Embedding`.
          table: what the features share. Left out, the feature has a table of its own.
        """
        super().__init__(vocabulary_size, embedding_dim, config, rng)
        self.tables = (table or self._make_table([vocabulary_size], embedding_dim, config, rng),)

    @staticmethod
    @abc.abstractmethod
    def row_shape(embedding_dim: int, config: SizedConfig) -> tuple[int, int]:
        """Returns the width of a row, and how many rows an id needs.

        Args:
          embedding_dim: the width of a vector.
          config: an instance of `Config`.
        """

    @classmethod
    def make_all(
        cls,
        vocabulary_sizes: Sequence[int],
        embedding_dims: Sequence[int],
        config: MethodConfig,
        rngs: Sequence[np.random.Generator],
    ) -> list[Embedding]:
        """Makes them; those of one width share a table. `Embedding.make_all` has the arguments."""
        assert isinstance(config, SizedConfig)
        features = list(zip(vocabulary_sizes, embedding_dims, rngs, strict=True))
        tables = {}
        for dim in dict.fromkeys(embedding_dims):
            config.check_embedding_dim(dim)
            sizes = [size for size, width, _ in features if width == dim]
            tables[dim] = cls._make_table(sizes, dim, config, rngs[list(embedding_dims).index(dim)])
        return [cls(size, dim, config, rng, tables[dim]) for size, dim, rng in features]

    @classmethod
    def _make_table(
        cls,
        vocabulary_sizes: Sequence[int],
        embedding_dim: int,
        config: SizedConfig,
        rng: np.random.Generator,
    ) -> Table:
        num_ids = sum(vocabulary_sizes)
        width, num_lookups = cls.row_shape(embedding_dim, config)
        num_rows = math.ceil(num_ids * embedding_dim / config.compression_ratio / width)
        high = 1.0 / math.sqrt(num_ids)
        seed = int(rng.integers(2**31))
        # A hash function reaches no further than its prime.
        num_rows = min(num_rows, PRIME)
        return Table(num_rows, width, -high, high, seed, num_lookups, has_own_start=False)

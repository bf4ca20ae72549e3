"""What every method is that has a row for each id, narrower than a vector."""

import abc
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import tensorflow as tf

from components.trainer.embeddings.base import Embedding
from components.trainer.embeddings.parts.projection import draw_projection
from components.trainer.embeddings.parts.widths import Width, choose_widths, possible_widths
from components.trainer.method_config import MethodConfig, SizedConfig


class NarrowRows(Embedding, abc.ABC):
    """A row for each id, brought to `embedding_dim`; all features meet the ratio together.

    The widths are those of `choose_widths`: together the features have about the sum of
    `vocabulary_size * embedding_dim / compression_ratio` weights, but at least one column each.

    Attributes:
      projected: whether narrow rows are multiplied by a learned matrix of the feature; else they
        are filled up with zeros.
      width: of a row.
    """

    projected: ClassVar[bool]

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        config: SizedConfig,
        rng: np.random.Generator,
        width: int | None = None,
    ) -> None:
        """Asks for the table and, where rows are multiplied by one, for the matrix.

        Args:
          vocabulary_size, embedding_dim, config, rng: see `Embedding`.
          width: of a row, at most `embedding_dim`. Left out: what the feature has by itself.
        """
        super().__init__(vocabulary_size, embedding_dim, config, rng)
        if width is None:
            [width] = self._choose_widths([vocabulary_size], [embedding_dim], config)
        self.width = width
        self.add_table(vocabulary_size, width)
        if self.projected and width < embedding_dim:
            shape = (width, embedding_dim)
            self.add_array("projection", shape, draw_projection(width, embedding_dim, rng))

    @classmethod
    def possible_widths(
        cls, vocabulary_size: int, embedding_dim: int, config: SizedConfig
    ) -> list[Width]:
        """Returns the widths that a feature can have, from the smallest on.

        Here: all, and all features have the same as far as possible.

        Args:
          vocabulary_size: the number of ids.
          embedding_dim: the width of a vector.
          config: an instance of `Config`.
        """
        return possible_widths(vocabulary_size, embedding_dim, cls.projected)

    @classmethod
    def make_all(
        cls,
        vocabulary_sizes: Sequence[int],
        embedding_dims: Sequence[int],
        config: MethodConfig,
        rngs: Sequence[np.random.Generator],
    ) -> list[Embedding]:
        """Makes them to meet the ratio together; `Embedding.make_all` has the arguments."""
        assert isinstance(config, SizedConfig)
        widths = cls._choose_widths(vocabulary_sizes, embedding_dims, config)
        features = zip(vocabulary_sizes, embedding_dims, rngs, widths, strict=True)
        return [cls(size, dim, config, rng, width) for size, dim, rng, width in features]

    @classmethod
    def _choose_widths(
        cls, vocabulary_sizes: Sequence[int], embedding_dims: Sequence[int], config: SizedConfig
    ) -> list[int]:
        features = list(zip(vocabulary_sizes, embedding_dims, strict=True))
        num_weights = sum(size * dim for size, dim in features) / config.compression_ratio
        possible = [cls.possible_widths(size, dim, config) for size, dim in features]
        return choose_widths(possible, num_weights)

    def combine(self, vectors: Sequence[tf.Tensor], ids: tf.Tensor) -> tf.Tensor:
        """Returns the row of each id, brought to `embedding_dim`."""
        [vector] = vectors
        missing = self.embedding_dim - self.width
        if not missing:
            return vector
        if self.projected:
            return tf.matmul(vector, self.array("projection"))
        return tf.pad(vector, [[0, 0], [0, missing]])

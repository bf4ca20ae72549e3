"""One embedding with tables of its own, to look at it alone."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from components.trainer.embeddings.base import Embedding
from components.trainer.tables import EmbeddingTables


class Standalone(tf.Module):
    """Ids in, vectors out."""

    def __init__(self, embedding: Embedding) -> None:
        super().__init__()
        self.embedding = embedding
        self.tables = EmbeddingTables([embedding])

    def __call__(self, ids: tf.Tensor) -> tf.Tensor:
        [vectors] = self.tables([ids])
        return vectors

    def get_tables(self) -> list[np.ndarray]:
        """In the order in which the embedding asked for them."""
        return self.tables.values(self.embedding)

    def set_tables(self, values: Sequence[np.ndarray]) -> None:
        """In the same order."""
        self.tables.assign(self.embedding, values)

"""One embedding with tables of its own, to look at it alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from components.trainer.embedding_config import EmbeddingConfig
from components.trainer.embeddings.base import Embedding
from components.trainer.method_stack import make_stack
from components.trainer.served_tables import ServedTables
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

    def served(self) -> "Served":
        """As it is served."""
        return Served(ServedTables(self.tables))


class Served(tf.Module):
    """Ids in, vectors out, as they are served."""

    def __init__(self, tables: ServedTables) -> None:
        super().__init__()
        self.tables = tables

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64)], autograph=False)
    def __call__(self, ids: tf.Tensor) -> tf.Tensor:
        [vectors] = self.tables([ids])
        return vectors


def make(
    method: str, vocabulary_size: int, embedding_dim: int, seed: int = 3, **options: Any
) -> Standalone:
    """One feature with a method, or a stack of methods joined by `+`."""
    config = EmbeddingConfig(method=method, options=options)
    rng = np.random.default_rng(seed)
    [embedding] = make_stack(config, [vocabulary_size], [embedding_dim], [rng])
    return Standalone(embedding)

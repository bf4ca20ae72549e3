"""Trained as a product of two matrices, wider within than without; served as one plain table."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from pydantic import Field

from components.trainer.embeddings.base import Embedding
from components.trainer.embeddings.parts.projection import draw_projection
from components.trainer.method_config import MethodConfig


class MultiLayerConfig(MethodConfig):
    """Options of `MultiLayer`.

    Attributes:
      inner_dim: the width of the trained rows, more than `embedding_dim`; the wider, the better,
        the paper finds, and the slower. None: 4 times `embedding_dim`.
    """

    inner_dim: int | None = Field(default=None, ge=2)

    def check_embedding_dim(self, embedding_dim: int) -> None:
        """Refuses a width that is not below `inner_dim`.

        Raises:
          ValueError: if the inner layer would be no wider.
        """
        if self.inner_dim is not None and self.inner_dim <= embedding_dim:
            raise ValueError(
                f"inner_dim must be more than embedding_dim {embedding_dim}; "
                f"received {self.inner_dim}"
            )


class MultiLayer(Embedding):
    """`e(id) = U[id] V` with `U` of `inner_dim > embedding_dim` columns and a learned matrix `V`.

    The product could as well be a table, and once trained it is served as one: nothing is
    compressed. But a step through `V` moves the vectors of all ids, the rare ones too, which is
    said to make vectors better, so that a smaller `embedding_dim` does.

    Source: Ghaemmaghami et al. 2020, "Training with Multi-Layer Embeddings for Model Reduction"
    (MLET); Deng et al. 2023, "Enhancing Cross-Category Learning in Recommendation
    Systems with Multi-Layer Embedding Training". `U` starts as a full table does, `V` so that
    vectors have the variance of its rows.

    Parameters: `(vocabulary_size + embedding_dim) * inner_dim` in training,
    `vocabulary_size * embedding_dim` in serving.
    """

    Config = MultiLayerConfig

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        config: MultiLayerConfig,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(vocabulary_size, embedding_dim, config, rng)
        inner_dim = config.inner_dim or 4 * embedding_dim
        self.add_table(vocabulary_size, inner_dim)
        shape = (inner_dim, embedding_dim)
        self.add_array("projection", shape, draw_projection(inner_dim, embedding_dim, rng))
        self._plain = Embedding(vocabulary_size, embedding_dim, MethodConfig(), rng)
        self._plain.add_table(vocabulary_size, embedding_dim)

    def combine(self, vectors: Sequence[tf.Tensor], ids: tf.Tensor) -> tf.Tensor:
        """Returns the row of each id times the matrix."""
        [vector] = vectors
        return tf.matmul(vector, self.array("projection"))

    @property
    def serving_form(self) -> Embedding:
        """A table with a row of `embedding_dim` weights for each id."""
        return self._plain

    def to_serving(
        self, values: Sequence[np.ndarray]
    ) -> tuple[list[np.ndarray], dict[str, np.ndarray]]:
        """Returns the product of the two matrices; there are no arrays."""
        [rows] = values
        return [rows @ self.array("projection").numpy()], {}

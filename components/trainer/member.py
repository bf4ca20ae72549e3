"""One DLRM (Naumov et al. 2019) behind its lookups; its parts are arguments."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
import tf_keras

from components.trainer.embeddings.base import Embedding
from components.trainer.interaction import Interaction
from components.trainer.wide import Wide


class Member(tf_keras.layers.Layer):
    """Dense features and looked-up vectors to one logit.

    `top_mlp(interaction([x, p_1(v_1), ..., p_n(v_n)]))` with `x = bottom_mlp(dense)` and `v_i` the
    vector of feature `i`: sections 2.1 and 2.2 of the paper, where the projections `p` are
    identities. Linear parts are added to it.

    Attributes:
      embeddings: one for each categorical feature, in column order.
      lookups: what is to be looked up: the embeddings, then the weights of the linear parts, each
        time one for each feature.
    """

    def __init__(
        self,
        embeddings: Sequence[Embedding],
        projections: Sequence[tf_keras.layers.Layer],
        bottom_mlp: tf_keras.layers.Layer,
        interaction: Interaction,
        top_mlp: tf_keras.layers.Layer,
        linear_parts: Sequence[Wide] = (),
    ) -> None:
        """Joins the parts.

        Args:
          embeddings: each gives float32 `[batch, its embedding_dim]`.
          projections: one for each embedding, to float32 `[batch, embedding_dim]`.
          bottom_mlp: float32 `[batch, dense_width]` to `[batch, embedding_dim]`.
          interaction: a list of float32 `[batch, embedding_dim]`, the bottom MLP's output first, to
            `[batch, output_width]`.
          top_mlp: float32 `[batch, output_width]` to `[batch, 1]`.
          linear_parts: each gives float32 `[batch]` for the features, which is added to the logits.
        """
        super().__init__()
        self.embeddings = list(embeddings)
        self._projections = list(projections)
        self._bottom_mlp = bottom_mlp
        self._interaction = interaction
        self._top_mlp = top_mlp
        self._linear_parts = list(linear_parts)

    @property
    def lookups(self) -> list[Embedding]:
        linear = [weight for part in self._linear_parts for weight in part.id_weights]
        return [*self.embeddings, *linear]

    def call(self, dense: tf.Tensor, looked_up: Sequence[tf.Tensor]) -> tf.Tensor:
        """Returns the logits, float32 `[batch]`.

        Args:
          dense: float32 `[batch, dense_width]`.
          looked_up: the vectors of `lookups`.
        """
        num_features = len(self.embeddings)
        vectors = [
            projection(vector)
            for projection, vector in zip(self._projections, looked_up[:num_features], strict=True)
        ]
        logits = self._top_mlp(self._interaction([self._bottom_mlp(dense), *vectors]))
        outputs = [tf.cast(tf.squeeze(logits, axis=1), tf.float32)]
        for index, part in enumerate(self._linear_parts, start=1):
            outputs.append(
                part(dense, looked_up[index * num_features : (index + 1) * num_features])
            )
        return tf.add_n(outputs)

    @property
    def projection_bytes(self) -> list[int]:
        """The bytes of each feature's projection."""
        return [
            sum(int(np.prod(v.shape)) * v.dtype.size for v in layer.variables)
            for layer in self._projections
        ]

    def served(self) -> "Member":
        """Returns the member with the embeddings' serving forms; it shares all other layers."""
        return Member(
            [embedding.serving_form for embedding in self.embeddings],
            self._projections,
            self._bottom_mlp,
            self._interaction,
            self._top_mlp,
            self._linear_parts,
        )

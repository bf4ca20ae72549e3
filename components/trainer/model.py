"""DLRM (Naumov et al. 2019) as a network whose parts are arguments."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from components.trainer.embeddings.base import Embedding, own_and_shared_bytes
from components.trainer.interaction import Interaction
from components.trainer.served_tables import ServedTables, is_served_as_trained
from components.trainer.tables import EmbeddingTables
from components.trainer.wide import Wide
from schemas.transformed import CATEGORICAL, DENSE

Features = Mapping[str, tf.Tensor]

# A feature: what `Dlrm.rows` returned for the others, where the host has called it beforehand.
ROWS = "rows"


class Dlrm(tf_keras.layers.Layer):
    """Dense and categorical features to one logit.

    `top_mlp(interaction([x, p_1(e_1(id_1)), ..., p_n(e_n(id_n))]))` with `x = bottom_mlp(dense)`:
    sections 2.1 and 2.2 of the paper, where the projections `p` are identities. Linear parts are
    added to it.

    It runs in three steps, so that a trainer can compile the last one and update the tables by
    their sparse gradients: `rows`, `tables.gather`, `logits`. Features are `CATEGORICAL`, int32 or
    int64 `[batch, num_embeddings]`, and `DENSE`, float32 `[batch, dense_width]`; without `DENSE`
    the width is 0.

    Attributes:
      embeddings: one for each categorical feature, in column order.
      tables: those of the embeddings and of the linear parts.
    """

    def __init__(
        self,
        embeddings: Sequence[Embedding],
        projections: Sequence[tf_keras.layers.Layer],
        bottom_mlp: tf_keras.layers.Layer,
        interaction: Interaction,
        top_mlp: tf_keras.layers.Layer,
        linear_parts: Sequence[Wide] = (),
        make_tables: Callable[[Sequence[Embedding]], Any] = EmbeddingTables,
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
          make_tables: makes the tables of the embeddings and of the linear parts, `EmbeddingTables`
            to train, any `StackedLookup` to predict.
        """
        super().__init__()
        self.embeddings = list(embeddings)
        self._projections = list(projections)
        self._bottom_mlp = bottom_mlp
        self._interaction = interaction
        self._top_mlp = top_mlp
        self._linear_parts = list(linear_parts)
        linear = [weight for part in self._linear_parts for weight in part.id_weights]
        self.tables: EmbeddingTables = make_tables([*self.embeddings, *linear])

    def rows(self, features: Features) -> list[tf.Tensor]:
        """Returns the rows of `tables` that a batch needs; see `EmbeddingTables.rows`."""
        if ROWS in features:
            return list(features[ROWS])
        return self.tables.rows(self._ids(features))

    def with_rows(self, features: Features) -> Features:
        """Returns the features and `ROWS`: all that has to be known before a lookup."""
        return {**features, ROWS: tuple(self.rows(features))}

    def logits(self, gathered: Sequence[tf.Tensor], features: Features) -> tf.Tensor:
        """Returns the logits, float32 `[batch]`.

        Args:
          gathered: what `tables.gather` gave for the `rows` of these features.
          features: of the batch.
        """
        ids = features[CATEGORICAL]
        dense = features.get(DENSE, tf.zeros([tf.shape(ids)[0], 0]))
        looked_up = self.tables.combine(gathered, self._ids(features))
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

    def observe(self, features: Features, gradients: Sequence[tf.Tensor]) -> None:
        """Shows the embeddings the gradients of a step; see `EmbeddingTables.observe`."""
        self.tables.observe(self._ids(features), gradients)

    def call(self, features: Features) -> tf.Tensor:
        """Returns the logits, float32 `[batch]`."""
        return self.logits(self.tables.gather(self.rows(features)), features)

    def _ids(self, features: Features) -> list[tf.Tensor]:
        """Of each embedding in `tables`, `[batch]`."""
        columns = tf.unstack(features[CATEGORICAL], num=len(self.embeddings), axis=1)
        return columns * (1 + len(self._linear_parts))

    @property
    def dense_variables(self) -> list[tf.Variable]:
        """All trainable variables besides the tables: every row of the data moves them."""
        of_tables = {variable.ref() for variable in self.tables.table_variables}
        return [v for v in self.trainable_variables if v.ref() not in of_tables]

    @property
    def num_parameters(self) -> int:
        """The number of trainable values in the whole network."""
        return sum(int(np.prod(variable.shape)) for variable in self.trainable_variables)

    @property
    def embedding_bytes(self) -> int:
        """The bytes of all that stands for ids, as they are served.

        The embeddings, their projections, and the weights that linear parts have for ids.
        """
        own, shared = self.own_and_shared_bytes()
        return sum(own) + shared

    def own_and_shared_bytes(self) -> tuple[list[int], int]:
        """Returns the part of `embedding_bytes` that is each feature's alone, and what they share.

        Features are in column order.
        """
        of_tables, shared = own_and_shared_bytes(self.tables.embeddings)
        own = [
            sum(int(np.prod(v.shape)) * v.dtype.size for v in layer.variables)
            for layer in self._projections
        ]
        for index, num_bytes in enumerate(of_tables):
            own[index % len(own)] += num_bytes
        return own, shared

    def served(self) -> "Dlrm":
        """Returns the network as it is served.

        It shares all layers but the tables; where they are served just as they were trained, it is
        this network.
        """
        if is_served_as_trained(self.tables):
            return self
        return Dlrm(
            [embedding.serving_form for embedding in self.embeddings],
            self._projections,
            self._bottom_mlp,
            self._interaction,
            self._top_mlp,
            self._linear_parts,
            lambda _: ServedTables(self.tables),
        )

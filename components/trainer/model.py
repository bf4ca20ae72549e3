"""The network that is trained and served: one DLRM, or an ensemble of several."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from components.trainer.embeddings.base import Embedding, own_and_shared_bytes
from components.trainer.member import Member
from components.trainer.served_tables import ServedTables, is_served_as_trained
from components.trainer.tables import EmbeddingTables
from schemas.transformed import CATEGORICAL, DENSE

Features = Mapping[str, tf.Tensor]

# A feature: what `Dlrm.rows` returned for the others, where the host has called it beforehand.
ROWS = "rows"


class Dlrm(tf_keras.layers.Layer):
    """Dense and categorical features to one logit.

    It runs in three steps, so that a trainer can compile the last one and update the tables by
    their sparse gradients: `rows`, `tables.gather`, `logits`. Features are `CATEGORICAL`, int32 or
    int64 `[batch, num_embeddings]`, and `DENSE`, float32 `[batch, dense_width]`; without `DENSE`
    the width is 0.

    The members of an ensemble share nothing but the features; the probability is the mean of theirs
    (Lakshminarayanan et al. 2017, section 2.4).

    Attributes:
      members: one, or those of an ensemble.
      tables: those of all members.
    """

    def __init__(
        self,
        members: Sequence[Member],
        make_tables: Callable[[Sequence[Embedding]], Any] = EmbeddingTables,
    ) -> None:
        """Takes the members.

        Args:
          members: at least one; all have the same features.
          make_tables: makes the tables of all their lookups, `EmbeddingTables` to train, any
            `StackedLookup` to predict.
        """
        super().__init__()
        self.members = list(members)
        self.tables: EmbeddingTables = make_tables([e for m in self.members for e in m.lookups])

    @property
    def embeddings(self) -> list[Embedding]:
        """Those of all members, in column order for each."""
        return [embedding for member in self.members for embedding in member.embeddings]

    def rows(self, features: Features) -> list[tf.Tensor]:
        """Returns the rows of `tables` that a batch needs; see `EmbeddingTables.rows`."""
        if ROWS in features:
            return list(features[ROWS])
        return self.tables.rows(self._ids(features))

    def with_rows(self, features: Features) -> Features:
        """Returns the features and `ROWS`: all that has to be known before a lookup."""
        return {**features, ROWS: tuple(self.rows(features))}

    def logits(self, gathered: Sequence[tf.Tensor], features: Features) -> tf.Tensor:
        """Returns the logits of each member, float32 `[batch, num_members]`.

        Args:
          gathered: what `tables.gather` gave for the `rows` of these features.
          features: of the batch.
        """
        ids = features[CATEGORICAL]
        dense = features.get(DENSE, tf.zeros([tf.shape(ids)[0], 0]))
        looked_up = self.tables.combine(gathered, self._ids(features))
        num_lookups = len(looked_up) // len(self.members)
        logits = [
            member(dense, looked_up[index * num_lookups : (index + 1) * num_lookups])
            for index, member in enumerate(self.members)
        ]
        return tf.stack(logits, axis=1)

    def observe(self, features: Features, gradients: Sequence[tf.Tensor]) -> None:
        """Shows the embeddings the gradients of a step; see `EmbeddingTables.observe`."""
        self.tables.observe(self._ids(features), gradients)

    def call(self, features: Features) -> tf.Tensor:
        """Returns the logits of the probabilities, float32 `[batch]`."""
        logits = self.logits(self.tables.gather(self.rows(features)), features)
        if len(self.members) == 1:
            return logits[:, 0]
        # log(p / (1 - p)) of p = mean(sigmoid(logits)), finite for any logits.
        clicks, others = tf.math.log_sigmoid(logits), tf.math.log_sigmoid(-logits)
        return tf.reduce_logsumexp(clicks, axis=1) - tf.reduce_logsumexp(others, axis=1)

    def _ids(self, features: Features) -> list[tf.Tensor]:
        """Of each embedding in `tables`, `[batch]`."""
        num_features = len(self.members[0].embeddings)
        columns = tf.unstack(features[CATEGORICAL], num=num_features, axis=1)
        return columns * (len(self.tables.embeddings) // num_features)

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
        own = np.sum([member.projection_bytes for member in self.members], axis=0).tolist()
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
        members = [member.served() for member in self.members]
        return Dlrm(members, lambda _: ServedTables(self.tables))

"""The lookups of all features at once."""

import abc
from collections.abc import Sequence

import tensorflow as tf
import tf_keras

from components.trainer.embeddings.base import Embedding
from components.trainer.places import Place, num_rows


class StackedLookup(tf_keras.layers.Layer, abc.ABC):
    """Vectors of ids, by embeddings whose tables lie behind each other in a few stacks.

    A lookup has two halves, as an embedding has: `rows` gives for each stack all rows that a batch
    needs, `combine` takes what was gathered. Between them lies only `gather`, so what comes after
    it can be compiled as one piece.

    Attributes:
      embeddings: whose tables they are.
    """

    def __init__(self, embeddings: Sequence[Embedding], places: Sequence[Sequence[Place]]) -> None:
        """Takes the layout.

        Args:
          embeddings: whose tables are nowhere else.
          places: of the tables in each stack.
        """
        super().__init__()
        self.embeddings = list(embeddings)
        self._places = tuple(map(tuple, places))
        for embedding in self.embeddings:
            embedding.make_arrays()

    def rows(self, ids: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Returns the rows that a batch needs, for each stack `[batch, num_lookups]`.

        They are int32 where the stack has fewer than 2**31 rows, else int64.

        Args:
          ids: of each embedding, int32 or int64 `[batch]`.
        """
        return self._rows_of_stacks(self._rows_of_embeddings(ids))

    def _rows_of_embeddings(self, ids: Sequence[tf.Tensor]) -> list[Sequence[tf.Tensor]]:
        return [e.rows(i) for e, i in zip(self.embeddings, self._map(ids), strict=True)]

    def _map(self, ids: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        maps = [embedding.id_map for embedding in self.embeddings]
        return [i if m is None else m(i) for m, i in zip(maps, ids, strict=True)]

    def _rows_of_stacks(self, of_embedding: Sequence[Sequence[tf.Tensor]]) -> list[tf.Tensor]:
        of_stack = []
        for places in self._places:
            dtype = tf.int32 if num_rows(places) < 2**31 else tf.int64
            rows = [
                tf.reshape(of_embedding[p.embedding][p.position], [-1, p.table.num_lookups])
                for p in places
            ]
            first_rows = [p.first_row for p in places for _ in range(p.table.num_lookups)]
            rows = tf.concat([tf.cast(r, dtype) for r in rows], axis=1)
            of_stack.append(rows + tf.constant(first_rows, dtype))
        return of_stack

    @abc.abstractmethod
    def gather(self, rows: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Returns the rows' values, for each stack float32 `[batch, num_lookups, width]`."""

    def combine(self, gathered: Sequence[tf.Tensor], ids: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Returns the vectors of each embedding, float32 `[batch, its embedding_dim]`.

        Args:
          gathered: the values of `rows(ids)`.
          ids: of each embedding, int32 or int64 `[batch]`.
        """
        parts = zip(self.embeddings, self._vectors(gathered), self._map(ids), strict=True)
        return [embedding.combine(vectors, mapped) for embedding, vectors, mapped in parts]

    def _vectors(self, gathered: Sequence[tf.Tensor]) -> list[list[tf.Tensor]]:
        """What each embedding has from each of its tables."""
        vectors: list[list[tf.Tensor]] = [[None] * len(e.tables) for e in self.embeddings]
        for places, values in zip(self._places, gathered, strict=True):
            for place, part in zip(places, _split(values, places), strict=True):
                vectors[place.embedding][place.position] = part
        return vectors

    def call(self, ids: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Returns the vectors of each embedding: `rows`, `gather` and `combine` in one."""
        return self.combine(self.gather(self.rows(ids)), ids)


def as_slices(
    gradient: tf.Tensor, rows: tf.Tensor, stack: tf.Variable, width: int | None = None
) -> tf.IndexedSlices:
    """Returns the gradient of a stack, from that of the rows that were gathered.

    Args:
      gradient: float32 `[batch, num_lookups, width]`.
      rows: integers `[batch, num_lookups]`.
      stack: float32 `[num_rows, width]`, or `SmallStack.rows_only`.
      width: of a row; None: that of `stack`.
    """
    height, width = stack.shape[0], width or stack.shape[1]
    dense_shape = tf.constant([height, width], rows.dtype)
    return tf.IndexedSlices(tf.reshape(gradient, [-1, width]), tf.reshape(rows, [-1]), dense_shape)


def _split(values: tf.Tensor, places: Sequence[Place]) -> list[tf.Tensor]:
    """Returns what each table gave: `[batch, width]`, or `[batch, num_lookups, width]`."""
    sizes = [place.table.num_lookups for place in places]
    if set(sizes) == {1}:
        return tf.unstack(values, axis=1)
    parts = tf.split(values, sizes, axis=1)
    return [part[:, 0] if n == 1 else part for part, n in zip(parts, sizes, strict=True)]

"""The tables of all features, stacked: few large lookups and updates instead of many small ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
import tf_keras

from components.trainer.embeddings.base import Embedding, Table

# TensorFlow's sparse updates run on one core each; those of different variables run side by side.
_MAX_STACKS_PER_WIDTH = 2


@dataclass(frozen=True)
class _Place:
    """A table within its stack; `embedding` is its owner, `position` its place in `tables`."""

    embedding: int
    position: int
    table: Table
    first_row: int


class EmbeddingTables(tf_keras.layers.Layer):
    """The tables that embeddings ask for, behind each other in a few variables.

    Tables of one width lie in up to four stacks. A lookup has two halves, as an embedding has:
    `rows` gives for each stack all rows that a batch needs, `combine` takes what was gathered.
    Between them lie only lookups, so what comes after them can be compiled as one piece, and the
    gradient of a stack is one sparse tensor.

    Attributes:
      embeddings: whose tables they are.
      stacks: the variables, float32 `[sum of num_rows, width]`.
    """

    def __init__(self, embeddings: Sequence[Embedding]) -> None:
        """Makes the variables.

        Args:
          embeddings: whose tables are nowhere else.
        """
        super().__init__()
        self.embeddings = list(embeddings)
        self._places = _stack(embeddings)
        self.stacks = [self._add_stack(places) for places in self._places]

    def _add_stack(self, places: Sequence[_Place]) -> tf.Variable:
        def initial_values(*unused: object, **unused_too: object) -> tf.Tensor:
            return tf.concat([place.table.initial_values() for place in places], axis=0)

        num_rows = places[-1].first_row + places[-1].table.num_rows
        shape = (num_rows, places[0].table.width)
        return self.add_weight(name="stack", shape=shape, initializer=initial_values)

    def rows(self, ids: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Returns the rows that a batch needs, for each stack `[batch, num_lookups]`.

        They are int32 where the stack has fewer than 2**31 rows, else int64.

        Args:
          ids: of each embedding, int32 or int64 `[batch]`.
        """
        of_embedding = [e.rows(i) for e, i in zip(self.embeddings, ids, strict=True)]
        of_stack = []
        for places, stack in zip(self._places, self.stacks, strict=True):
            dtype = tf.int32 if stack.shape[0] < 2**31 else tf.int64
            rows = [
                tf.reshape(of_embedding[p.embedding][p.position], [-1, p.table.num_lookups])
                for p in places
            ]
            first_rows = [p.first_row for p in places for _ in range(p.table.num_lookups)]
            rows = tf.concat([tf.cast(r, dtype) for r in rows], axis=1)
            of_stack.append(rows + tf.constant(first_rows, dtype))
        return of_stack

    def gather(self, rows: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Returns the rows' values, for each stack float32 `[batch, num_lookups, width]`."""
        return [tf.gather(stack, r) for stack, r in zip(self.stacks, rows, strict=True)]

    def combine(self, gathered: Sequence[tf.Tensor], ids: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Returns the vectors of each embedding, float32 `[batch, its embedding_dim]`.

        Args:
          gathered: the values of `rows(ids)`.
          ids: of each embedding, int32 or int64 `[batch]`.
        """
        vectors: list[list[tf.Tensor]] = [[None] * len(e.tables) for e in self.embeddings]
        for places, values in zip(self._places, gathered, strict=True):
            for place, part in zip(places, _split(values, places), strict=True):
                vectors[place.embedding][place.position] = part
        return [e.combine(v, i) for e, v, i in zip(self.embeddings, vectors, ids, strict=True)]

    def call(self, ids: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Returns the vectors of each embedding: `rows`, `gather` and `combine` in one."""
        return self.combine(self.gather(self.rows(ids)), ids)

    def values(self, embedding: Embedding) -> list[np.ndarray]:
        """Returns the tables of one embedding, float32 `[num_rows, width]` each."""
        found = self._tables_of(embedding)
        return [stack[p.first_row : p.first_row + p.table.num_rows].numpy() for stack, p in found]

    def assign(self, embedding: Embedding, values: Sequence[np.ndarray]) -> None:
        """Sets the tables of one embedding; `values` are shaped as `values` returns them."""
        for (stack, place), table in zip(self._tables_of(embedding), values, strict=True):
            stack[place.first_row : place.first_row + place.table.num_rows].assign(table)

    def _tables_of(self, embedding: Embedding) -> list[tuple[tf.Variable, _Place]]:
        found = [
            (stack, place)
            for stack, places in zip(self.stacks, self._places, strict=True)
            for place in places
            if self.embeddings[place.embedding] is embedding
        ]
        return sorted(found, key=lambda item: item[1].position)


def _stack(embeddings: Sequence[Embedding]) -> tuple[tuple[_Place, ...], ...]:
    """Returns the tables of each stack, in order."""
    by_width: dict[int, list[tuple[int, int, Table]]] = {}
    for index, embedding in enumerate(embeddings):
        for position, table in enumerate(embedding.tables):
            by_width.setdefault(table.width, []).append((index, position, table))
    stacks = []
    for tables in by_width.values():
        num_stacks = min(len(tables), _MAX_STACKS_PER_WIDTH)
        for part in np.array_split(np.arange(len(tables)), num_stacks):
            first_rows = np.cumsum([0, *(tables[i][2].num_rows for i in part)])
            stacks.append(
                tuple(
                    _Place(index, position, table, int(first_row))
                    for (index, position, table), first_row in zip(
                        [tables[i] for i in part], first_rows[:-1], strict=True
                    )
                )
            )
    return tuple(stacks)


def _split(values: tf.Tensor, places: Sequence[_Place]) -> list[tf.Tensor]:
    """Returns what each table gave: `[batch, width]`, or `[batch, num_lookups, width]`."""
    sizes = [place.table.num_lookups for place in places]
    if set(sizes) == {1}:
        return tf.unstack(values, axis=1)
    parts = tf.split(values, sizes, axis=1)
    return [part[:, 0] if n == 1 else part for part, n in zip(parts, sizes, strict=True)]

"""The tables of all features, stacked: few large lookups and updates instead of many small ones."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import tensorflow as tf
import tf_keras

from components.trainer.embeddings.base import Embedding, Table
from components.trainer.optimizers import Optimizer

# Takes the optimizer and the gradients of what was gathered.
Update = Callable[[Optimizer, Sequence[tf.Tensor]], None]

# TensorFlow's sparse updates run on one core each; those of different variables run side by side.
_MAX_STACKS_PER_WIDTH = 2


@dataclass(frozen=True)
class Place:
    """Where a table is.

    Attributes:
      embedding: the position of its owner among the embeddings.
      position: its own among the owner's tables.
      table: what was asked for.
      stack: the position of its stack.
      first_row: where it begins there.
    """

    embedding: int
    position: int
    table: Table
    stack: int = 0
    first_row: int = 0


class EmbeddingTables(tf_keras.layers.Layer):
    """The tables that embeddings ask for, behind each other in a few variables.

    Tables of one width lie in up to two stacks. A lookup has two halves, as an embedding has:
    `rows` gives for each stack all rows that a batch needs, `combine` takes what was gathered.
    Between them lie only lookups, so what comes after them can be compiled as one piece, and the
    gradient of a stack is one sparse tensor.

    Attributes:
      embeddings: whose tables they are.
      stacks: the variables, float32 `[sum of num_rows, width]`.
      takes_prescaled: whether updates can be given gradients that are multiplied already, and an
        optimizer that expects it.
    """

    takes_prescaled: ClassVar[bool] = True

    def __init__(self, embeddings: Sequence[Embedding], max_rows: int | None = None) -> None:
        """Makes the variables.

        Args:
          embeddings: whose tables are nowhere else.
          max_rows: larger tables are left out; None: there is no limit.
        """
        super().__init__()
        self.embeddings = list(embeddings)
        places = [
            Place(index, position, table)
            for index, embedding in enumerate(embeddings)
            for position, table in enumerate(embedding.tables)
        ]
        limit = np.inf if max_rows is None else max_rows
        self._places = tuple(_stack([p for p in places if p.table.num_rows <= limit]))
        self._left_out = tuple(p for p in places if p.table.num_rows > limit)
        self.stacks = [self._add_stack(places) for places in self._places]

    def _add_stack(self, places: Sequence[Place]) -> tf.Variable:
        def initial_values(*unused: object, **unused_too: object) -> tf.Tensor:
            return _initial_values(places)

        shape = (_num_rows(places), places[0].table.width)
        return self.add_weight(name="stack", shape=shape, initializer=initial_values)

    @property
    def table_variables(self) -> list[tf.Variable]:
        """The variables that hold the tables: here the stacks."""
        return list(self.stacks)

    def use_optimizer(self, optimizer: Optimizer) -> None:
        """Tells the optimizer that updates will come from, before the first of them.

        Raises:
          InputError: if these tables cannot be trained with it.
        """

    def rows(self, ids: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Returns the rows that a batch needs, for each stack `[batch, num_lookups]`.

        They are int32 where the stack has fewer than 2**31 rows, else int64.

        Args:
          ids: of each embedding, int32 or int64 `[batch]`.
        """
        return self._rows_of_stacks(self._rows_of_embeddings(ids))

    def _rows_of_embeddings(self, ids: Sequence[tf.Tensor]) -> list[Sequence[tf.Tensor]]:
        return [e.rows(i) for e, i in zip(self.embeddings, ids, strict=True)]

    def _rows_of_stacks(self, of_embedding: Sequence[Sequence[tf.Tensor]]) -> list[tf.Tensor]:
        of_stack = []
        for places in self._places:
            dtype = tf.int32 if _num_rows(places) < 2**31 else tf.int64
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

    def gather_to_train(self, rows: Sequence[tf.Tensor]) -> tuple[list[tf.Tensor], Update]:
        """Returns what `gather` does, and a function that updates these rows."""

        def update(optimizer: Optimizer, gradients: Sequence[tf.Tensor]) -> None:
            slices = [as_slices(*item) for item in zip(gradients, rows, self.stacks, strict=True)]
            optimizer.apply_gradients(zip(slices, self.stacks, strict=True))

        return self.gather(rows), update

    def combine(self, gathered: Sequence[tf.Tensor], ids: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Returns the vectors of each embedding, float32 `[batch, its embedding_dim]`.

        Args:
          gathered: the values of `rows(ids)`.
          ids: of each embedding, int32 or int64 `[batch]`.
        """
        vectors = self._vectors(gathered)
        return [e.combine(v, i) for e, v, i in zip(self.embeddings, vectors, ids, strict=True)]

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

    def values(self, embedding: Embedding) -> list[np.ndarray]:
        """Returns the tables of one embedding, float32 `[num_rows, width]` each."""
        index = self._index(embedding)
        return [self._values(self._find(index, i)) for i in range(len(embedding.tables))]

    def assign(self, embedding: Embedding, values: Sequence[np.ndarray]) -> None:
        """Sets the tables of one embedding; `values` are shaped as `values` returns them."""
        index = self._index(embedding)
        for position in range(len(embedding.tables)):
            self._assign(self._find(index, position), values[position])

    def reset(self) -> None:
        """Sets all tables in the stacks to their initial values."""
        for stack, places in zip(self.stacks, self._places, strict=True):
            stack.assign(_initial_values(places))

    def copy_to(self, target: "EmbeddingTables", scratch_dir: str) -> None:
        """Sets the tables of `target`, whose embeddings are made alike, to the values of these.

        Args:
          target: all its tables lie in stacks.
          scratch_dir: an existing folder for files that are written on the way, if any.
        """
        for place, values in self._all_values(scratch_dir):
            target._assign(target._find(place.embedding, place.position), values)

    def _all_values(self, scratch_dir: str) -> Iterator[tuple[Place, np.ndarray]]:
        for places in self._places:
            for place in places:
                yield place, self._values(place)

    def _index(self, embedding: Embedding) -> int:
        [index] = [i for i, other in enumerate(self.embeddings) if other is embedding]
        return index

    def _find(self, embedding: int, position: int) -> Place:
        [place] = [
            place
            for places in self._places
            for place in places
            if (place.embedding, place.position) == (embedding, position)
        ]
        return place

    def _values(self, place: Place) -> np.ndarray:
        stack = self.stacks[place.stack]
        return stack[place.first_row : place.first_row + place.table.num_rows].numpy()

    def _assign(self, place: Place, values: np.ndarray) -> None:
        stack = self.stacks[place.stack]
        stack[place.first_row : place.first_row + place.table.num_rows].assign(values)


def _stack(places: Sequence[Place]) -> list[tuple[Place, ...]]:
    """Returns the places in each stack, in order."""
    by_width: dict[int, list[Place]] = {}
    for place in places:
        by_width.setdefault(place.table.width, []).append(place)
    stacks: list[tuple[Place, ...]] = []
    for of_width in by_width.values():
        num_stacks = min(len(of_width), _MAX_STACKS_PER_WIDTH)
        for part in np.array_split(np.arange(len(of_width)), num_stacks):
            stack: list[Place] = []
            first_row = 0
            for place in (of_width[i] for i in part):
                stack.append(replace(place, stack=len(stacks), first_row=first_row))
                first_row += place.table.num_rows
            stacks.append(tuple(stack))
    return stacks


def _initial_values(places: Sequence[Place]) -> tf.Tensor:
    """Of one stack."""
    return tf.concat([place.table.initial_values() for place in places], axis=0)


def _num_rows(places: Sequence[Place]) -> int:
    """Of a stack."""
    return places[-1].first_row + places[-1].table.num_rows


def as_slices(gradient: tf.Tensor, rows: tf.Tensor, stack: tf.Variable) -> tf.IndexedSlices:
    """Returns the gradient of a stack, from that of the rows that were gathered.

    Args:
      gradient: float32 `[batch, num_lookups, width]`.
      rows: integers `[batch, num_lookups]`.
      stack: float32 `[num_rows, width]`.
    """
    return tf.IndexedSlices(
        tf.reshape(gradient, [-1, stack.shape[1]]), tf.reshape(rows, [-1]), tf.shape(stack)
    )


def _split(values: tf.Tensor, places: Sequence[Place]) -> list[tf.Tensor]:
    """Returns what each table gave: `[batch, width]`, or `[batch, num_lookups, width]`."""
    sizes = [place.table.num_lookups for place in places]
    if set(sizes) == {1}:
        return tf.unstack(values, axis=1)
    parts = tf.split(values, sizes, axis=1)
    return [part[:, 0] if n == 1 else part for part, n in zip(parts, sizes, strict=True)]

"""The tables of all features, stacked: few large lookups and updates instead of many small ones."""

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

import numpy as np
import tensorflow as tf

from components.trainer.embeddings.base import Embedding
from components.trainer.optimizers import Optimizer
from components.trainer.places import Place, find_places, num_rows, stack_places, tables_of
from components.trainer.stacked_lookup import StackedLookup

# Takes the optimizer and the gradients of what was gathered.
Update = Callable[[Optimizer, Sequence[tf.Tensor]], None]


class EmbeddingTables(StackedLookup):
    """The tables that embeddings ask for, behind each other in a few variables, to be trained.

    Tables of one width lie in up to two stacks, each table once, however many embeddings share it.
    The gradient of a stack is one sparse tensor.

    Attributes:
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
        places = find_places(embeddings)
        limit = np.inf if max_rows is None else max_rows
        kept = [p for p in places if p.table.num_rows <= limit]
        super().__init__(embeddings, stack_places(kept, lambda place: place.table.width))
        self._left_out = tuple(p for p in places if p.table.num_rows > limit)
        self.stacks = [self._add_stack(places) for places in self._places]

    def _add_stack(self, places: Sequence[Place]) -> tf.Variable:
        def initial_values(*unused: object, **unused_too: object) -> tf.Tensor:
            return _initial_values(places)

        shape = (num_rows(places), places[0].table.width)
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

    def gather(self, rows: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Returns the rows' values, for each stack float32 `[batch, num_lookups, width]`."""
        return [tf.gather(stack, r) for stack, r in zip(self.stacks, rows, strict=True)]

    def gather_to_train(self, rows: Sequence[tf.Tensor]) -> tuple[list[tf.Tensor], Update]:
        """Returns what `gather` does, and a function that updates these rows."""

        def update(optimizer: Optimizer, gradients: Sequence[tf.Tensor]) -> None:
            slices = [as_slices(*item) for item in zip(gradients, rows, self.stacks, strict=True)]
            if slices:
                optimizer.apply_gradients(zip(slices, self.stacks, strict=True))

        return self.gather(rows), update

    @property
    def observes(self) -> bool:
        """Whether an embedding wants to see the gradients of its rows."""
        return any(embedding.observes for embedding in self.embeddings)

    def observe(self, ids: Sequence[tf.Tensor], gradients: Sequence[tf.Tensor]) -> None:
        """Shows the embeddings that want to see them the gradients of a step.

        Args:
          ids: of each embedding, int32 or int64 `[batch]`.
          gradients: of what was gathered for them.
        """
        parts = zip(self.embeddings, self._map(ids), self._vectors(gradients), strict=True)
        for embedding, mapped, of_tables in parts:
            if embedding.observes:
                embedding.observe(mapped, of_tables)

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

    @property
    def maintenance(self) -> list[float]:
        """The fractions of a training after which `maintain` is to be called, in order."""
        embeddings = self.embeddings
        return sorted({p for e in embeddings for p in (*e.maintenance, *e.storage.maintenance)})

    def maintain(self, progress: float) -> None:
        """Lets methods change their tables and arrays at a pause of the training.

        Args:
          progress: which of `maintenance` it is.
        """
        for embedding in self.embeddings:
            if progress in embedding.maintenance:
                self.assign(embedding, embedding.maintain(progress, self.values(embedding)))
        for place in (place for places in self._places for place in tables_of(places)):
            storage = self.embeddings[place.embedding].storage
            if progress in storage.maintenance:
                self._assign(place, storage.maintain(progress, self._values(place)))

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
            for place in tables_of(places):
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


def _initial_values(places: Sequence[Place]) -> tf.Tensor:
    """Of one stack."""
    return tf.concat([place.table.initial_values() for place in tables_of(places)], axis=0)


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

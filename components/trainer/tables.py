"""The tables of all features, stacked: few large lookups and updates instead of many small ones."""

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

import numpy as np
import tensorflow as tf

from components.errors import InputError
from components.trainer.embeddings.base import Embedding
from components.trainer.embeddings.parts.trained_storage import TrainedStorage
from components.trainer.optimizers import Optimizer
from components.trainer.places import (
    Place,
    find_place,
    find_places,
    initial_values,
    num_rows,
    stack_places,
    tables_of,
)
from components.trainer.small_stacks import (
    SmallStack,
    UpdatesSmallStacks,
    check_trained_as_float32,
    trained_storage,
)
from components.trainer.stacked_lookup import StackedLookup, as_slices

# Takes the optimizer and the gradients of what was gathered.
Update = Callable[[Optimizer, Sequence[tf.Tensor]], None]


class EmbeddingTables(StackedLookup):
    """The tables that embeddings ask for, behind each other in a few variables, to be trained.

    Tables of one width lie in up to two stacks, each table once, however many embeddings share it;
    those that are trained as their storage keeps them lie in others. The gradient of a stack is one
    sparse tensor.

    Attributes:
      stacks: the variables, float32 `[sum of num_rows, width]`; for a small stack its `rows_only`.
      small: for each stack the small stack in its place, or None.
      takes_prescaled: whether updates can be given gradients that are multiplied already, and an
        optimizer that expects it.
    """

    takes_prescaled: ClassVar[bool] = True

    def __init__(self, embeddings: Sequence[Embedding], max_rows: int | None = None) -> None:
        """Makes the variables.

        Args:
          embeddings: whose tables are nowhere else.
          max_rows: larger tables are left out, as on TPUs; None: there is no limit.

        Raises:
          InputError: if a storage is not trained as float32, and there is a limit, or there are
            several machines.
        """
        places = find_places(embeddings)
        limit = np.inf if max_rows is None else max_rows
        kept = [p for p in places if p.table.num_rows <= limit]

        def key(place: Place) -> tuple[int, TrainedStorage | None]:
            return place.table.width, trained_storage(embeddings[place.embedding])

        # TensorFlow sends neither bfloat16 nor int8 variables to other machines.
        strategy = tf.distribute.get_strategy()
        several_machines = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
        if several_machines or max_rows is not None:
            check_trained_as_float32(embeddings)
        super().__init__(embeddings, stack_places(kept, key))
        self._left_out = tuple(p for p in places if p.table.num_rows > limit)
        self.stacks = [self._add_stack(places) for places in self._places]
        self._small_arrays = [self._add_arrays(places) for places in self._places]
        parts = zip(self._places, self.stacks, self._small_arrays, strict=True)
        self.small = tuple(self._as_small(*part) for part in parts)

    def _add_stack(self, places: Sequence[Place]) -> tf.Variable:
        """The float32 variable; where a small one takes its place, one without values."""
        if trained_storage(self.embeddings[places[0].embedding]):
            return self.add_weight(name="rows", shape=(num_rows(places), 0), trainable=False)

        def initializer(*unused: object, **unused_too: object) -> tf.Tensor:
            return self._to_stack(initial_values(places))

        shape = self._stack_shape(num_rows(places), places[0].table.width)
        return self.add_weight(name="stack", shape=shape, initializer=initializer)

    def _stack_shape(self, num_rows: int, width: int) -> tuple[int, int]:
        return num_rows, width

    def _to_stack(self, values: tf.Tensor) -> tf.Tensor:
        """Rows as a stack holds them, from float32 `[num_rows, width]`."""
        return values

    def _add_arrays(self, places: Sequence[Place]) -> dict[str, tf.Variable]:
        """Those of a small stack; none for another one."""
        storage = trained_storage(self.embeddings[places[0].embedding])
        if storage is None:
            return {}
        arrays = storage.encode(initial_values(places).numpy())
        return {
            name: self.add_weight(
                name=name,
                shape=array.shape,
                dtype=array.dtype,
                initializer=lambda *unused, of=array, **unused_too: tf.constant(of),
                trainable=name == storage.values_name,
            )
            for name, array in arrays.items()
        }

    def _as_small(
        self, places: Sequence[Place], rows_only: tf.Variable, arrays: dict[str, tf.Variable]
    ) -> SmallStack | None:
        storage, table = trained_storage(self.embeddings[places[0].embedding]), places[0].table
        if storage is None:
            return None
        return SmallStack(rows_only, storage, arrays, table.width, table.seed)

    @property
    def table_variables(self) -> list[tf.Variable]:
        """The variables that hold the tables: here the stacks, and the arrays of small ones."""
        return [*self.stacks, *(v for arrays in self._small_arrays for v in arrays.values())]

    def use_optimizer(self, optimizer: Optimizer) -> None:
        """Tells the optimizer that updates will come from, before the first of them.

        Raises:
          InputError: if these tables cannot be trained with it.
        """
        small = tuple(stack for stack in self.small if stack)
        if isinstance(optimizer, UpdatesSmallStacks):
            optimizer.update_small(small)
        elif small:
            raise InputError(
                f"embedding_optimizer: expected one that updates {type(small[0].storage).__name__} "
                f"tables, received {type(optimizer).__name__}"
            )

    def gather(self, rows: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Returns the rows' values, for each stack float32 `[batch, num_lookups, width]`."""
        return [self._read(index, r) for index, r in enumerate(rows)]

    def _read(self, stack: int, rows: tf.Tensor) -> tf.Tensor:
        small = self.small[stack]
        if small is None:
            return tf.gather(self.stacks[stack], rows)
        return small.lookup(rows)

    def gather_to_train(self, rows: Sequence[tf.Tensor]) -> tuple[list[tf.Tensor], Update]:
        """Returns what `gather` does, and a function that updates these rows."""

        def update(optimizer: Optimizer, gradients: Sequence[tf.Tensor]) -> None:
            slices = self._slices(gradients, rows)
            if slices:
                optimizer.apply_gradients(zip(slices, self.stacks, strict=True))

        return self.gather(rows), update

    def _slices(
        self, gradients: Sequence[tf.Tensor], rows: Sequence[tf.Tensor]
    ) -> list[tf.IndexedSlices]:
        """The gradients of the stacks, from those of the rows."""
        widths = [places[0].table.width for places in self._places]
        return [as_slices(*part) for part in zip(gradients, rows, self.stacks, widths, strict=True)]

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
        index = self.embeddings.index(embedding)
        places = (find_place(self._places, index, i) for i in range(len(embedding.tables)))
        return [self._values(place) for place in places]

    def assign(self, embedding: Embedding, values: Sequence[np.ndarray]) -> None:
        """Sets the tables of one embedding; `values` are shaped as `values` returns them."""
        index = self.embeddings.index(embedding)
        for position in range(len(embedding.tables)):
            self._assign(find_place(self._places, index, position), values[position])

    def reset(self) -> None:
        """Sets all tables in the stacks, and all arrays, to their initial values."""
        for embedding in self.embeddings:
            embedding.reset_arrays()
        for stack, small, places in zip(self.stacks, self.small, self._places, strict=True):
            values = initial_values(places)
            if small is None:
                stack.assign(self._to_stack(values))
            else:
                for name, array in small.storage.encode(values.numpy()).items():
                    small.arrays[name].assign(array)

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
            target._assign(find_place(target._places, place.embedding, place.position), values)

    def _all_values(self, scratch_dir: str) -> Iterator[tuple[Place, np.ndarray]]:
        for places in self._places:
            for place in tables_of(places):
                yield place, self._values(place)

    def _values(self, place: Place) -> np.ndarray:
        end = place.first_row + place.table.num_rows
        if self.small[place.stack] is None:
            return self.stacks[place.stack][place.first_row : end].numpy()
        rows = tf.range(place.first_row, end, dtype=tf.int64)
        return self._read(place.stack, rows).numpy()

    def _assign(self, place: Place, values: np.ndarray) -> None:
        small = self.small[place.stack]
        variables = {"values": self.stacks[place.stack]} if small is None else small.arrays
        arrays = {"values": values} if small is None else small.storage.encode(values)
        end = place.first_row + place.table.num_rows
        for name, array in arrays.items():
            # A part of a variable can be set only where it is one: each replica has its own.
            for copy in getattr(variables[name], "values", (variables[name],)):
                copy[place.first_row : end].assign(array)

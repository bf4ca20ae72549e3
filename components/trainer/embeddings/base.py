"""What every embedding method is that makes vectors of ids."""

import abc
import math
from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
import tensorflow as tf
import tf_keras

from components.trainer.embeddings.parts.id_map import IdMap
from components.trainer.embeddings.parts.storage import FLOAT32, Storage
from components.trainer.embeddings.parts.table import Array, Table
from components.trainer.method_config import MethodConfig


class Embedding(tf_keras.layers.Layer, abc.ABC):
    """Maps the ids of one categorical feature to vectors, in two halves around the tables.

    `rows` says which rows of its tables an id needs, `combine` makes a vector of them. What lies
    between, the lookup, belongs to `EmbeddingTables`: it keeps the tables of all features together,
    so a batch needs a few large lookups and updates instead of many small ones, whatever the
    methods are. Only looked-up rows can have a gradient: no method can touch a whole table.

    A method is one file in this folder. Its class has the file's name in CamelCase and asks in
    `__init__` for its tables with `add_table`, and for other variables with `add_array`. No
    variable is made there, so that making an embedding to see its bytes costs nothing.

    Attributes:
      stage: the place of the method in a stack of methods.
      Config: the class of the method's options; the base has none.
      observes: whether `observe` is to be called in each step.
      vocabulary_size: ids lie in `[0, vocabulary_size)`.
      embedding_dim: the width of a vector.
      tables: what was asked for, in order.
      arrays: likewise.
      maintenance: the fractions of a training, in (0, 1], after which `maintain` is called.
      id_map: what ids pass before they come here, or None; set by whoever stacks methods.
      storage: how the tables are kept once they are trained; set likewise.
    """

    stage: ClassVar[int] = 1
    Config: ClassVar[type[MethodConfig]] = MethodConfig
    observes: ClassVar[bool] = False

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        config: MethodConfig,
        rng: np.random.Generator,
    ) -> None:
        """Asks for the tables and arrays.

        Args:
          vocabulary_size: the number of ids, 1 or more.
          embedding_dim: the width of a vector, 1 or more.
          config: an instance of `Config`.
          rng: the source of all random choices.

        Raises:
          ValueError: if the width does not suit the options.
        """
        super().__init__()
        config.check_embedding_dim(embedding_dim)
        self.vocabulary_size = vocabulary_size
        self.embedding_dim = embedding_dim
        self.options = config
        self.tables: tuple[Table, ...] = ()
        self.arrays: tuple[Array, ...] = ()
        self.maintenance: tuple[float, ...] = ()
        self.id_map: IdMap | None = None
        self.storage: Storage = FLOAT32
        self._rng = rng
        self._made: dict[str, tf.Variable] = {}

    @classmethod
    def make_all(
        cls,
        vocabulary_sizes: Sequence[int],
        embedding_dims: Sequence[int],
        config: MethodConfig,
        rngs: Sequence[np.random.Generator],
    ) -> "list[Embedding]":
        """Makes the embeddings of all features that a method has.

        Here: each by itself. A method whose features share tables overrides it.

        Args:
          vocabulary_sizes: of each feature.
          embedding_dims: likewise.
          config: of all of them.
          rngs: of each feature.
        """
        features = zip(vocabulary_sizes, embedding_dims, rngs, strict=True)
        return [cls(size, dim, config, rng) for size, dim, rng in features]

    def rows(self, ids: tf.Tensor) -> Sequence[tf.Tensor]:
        """Returns the rows that ids need, int32 or int64.

        For each table `[batch]`, or `[batch, num_lookups]` where that is not 1. Here: the ids, for
        the only table.

        Args:
          ids: int32 or int64 `[batch]`, in `[0, vocabulary_size)`.
        """
        return [ids]

    def combine(self, vectors: Sequence[tf.Tensor], ids: tf.Tensor) -> tf.Tensor:
        """Returns a vector for each id, float32 `[batch, embedding_dim]`.

        Here: the row of the only table.

        Args:
          vectors: the values of `rows(ids)`: float32, one axis `width` more.
          ids: int32 or int64 `[batch]`.
        """
        [vector] = vectors
        return vector

    def observe(self, ids: tf.Tensor, gradients: Sequence[tf.Tensor]) -> None:
        """Sees the gradients of a step and may set arrays that are not trainable.

        It is part of the step's graph. With several replicas each calls it with its own part of the
        batch; what it sets must be the same on all.

        Args:
          ids: int32 or int64 `[batch]`.
          gradients: of the values of `rows(ids)`, shaped like them.
        """

    def maintain(self, progress: float, values: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """Changes tables and arrays at a pause of the training.

        Here: nothing.

        Args:
          progress: which of `maintenance` it is.
          values: of the tables, float32 `[num_rows, width]` each.

        Returns:
          what the tables become.
        """
        return values

    @property
    def serving_form(self) -> "Embedding":
        """What stands in for this embedding once it is trained.

        Here: itself. A method that trains more than it needs to serve overrides this and
        `to_serving`; it makes the other embedding in `__init__`, so that its bytes are known.
        """
        return self

    def to_serving(
        self, values: Sequence[np.ndarray]
    ) -> tuple[Sequence[np.ndarray], dict[str, np.ndarray]]:
        """Returns the values of the serving form's tables and, by name, of its arrays.

        Called only where that is another embedding.

        Args:
          values: of the trained tables, float32 `[num_rows, width]` each.
        """
        raise NotImplementedError(f"{type(self).__name__} has a serving form, but no way to it")

    def add_table(
        self,
        num_rows: int,
        width: int,
        low: float | None = None,
        high: float = 1.0,
        num_lookups: int = 1,
    ) -> None:
        """Asks for one more table.

        Args:
          num_rows: the number of rows.
          width: the width of a row.
          low: the smallest initial value. Left out, the values are uniform in
            `(-1/sqrt(vocabulary_size), 1/sqrt(vocabulary_size))` as in facebookresearch/dlrm, and
            `TrainerConfig.initialization` can change that.
          high: the largest initial value when `low` is given.
          num_lookups: how many of its rows one id needs.
        """
        has_own_start = low is not None
        if low is None:
            high = 1.0 / math.sqrt(self.vocabulary_size)
            low = -high
        seed = int(self._rng.integers(2**31))
        table = Table(num_rows, width, low, high, seed, num_lookups, has_own_start)
        self.tables += (table,)

    def add_array(
        self,
        name: str,
        shape: Sequence[int],
        initial_values: Callable[[], tf.Tensor],
        dtype: tf.DType = tf.float32,
        trainable: bool = True,
    ) -> None:
        """Asks for one more variable beside the tables; see `Array`."""
        self.arrays += (Array(name, tuple(shape), dtype, initial_values, trainable),)

    def make_arrays(self) -> None:
        """Makes the variables of `arrays`, once, in the scope of the devices that train."""
        for array in self.arrays[len(self._made) :]:
            # What a replica sets an array to, all others do.
            own = None if array.trainable else tf.VariableAggregation.ONLY_FIRST_REPLICA
            self._made[array.name] = self.add_weight(
                name=array.name,
                shape=array.shape,
                dtype=array.dtype,
                initializer=lambda *unused, of=array, **unused_too: of.initial_values(),
                trainable=array.trainable,
                aggregation=own or tf.VariableAggregation.NONE,
            )

    def reset_arrays(self) -> None:
        """Sets the variables of `arrays` to their initial values."""
        for array in self.arrays:
            self._made[array.name].assign(array.initial_values())

    def array(self, name: str) -> tf.Variable:
        """Returns the variable of one of `arrays`."""
        return self._made[name]

    @property
    def num_parameters(self) -> int:
        """The number of trainable values."""
        arrays = sum(math.prod(array.shape) for array in self.arrays if array.trainable)
        return arrays + sum(table.num_rows * table.width for table in self.tables)


def serving_bytes(embeddings: Sequence[Embedding]) -> int:
    """Returns the bytes of embeddings as they are served; what they share counts once."""
    own, shared = own_and_shared_bytes(embeddings)
    return sum(own) + shared


def own_and_shared_bytes(embeddings: Sequence[Embedding]) -> tuple[list[int], int]:
    """Returns the bytes that are each embedding's alone, and those that several share.

    As they are served.
    """
    own, shared = [0] * len(embeddings), 0
    users: dict[Table, list[int]] = {}
    for index, form in enumerate(embedding.serving_form for embedding in embeddings):
        own[index] += sum(array.num_bytes for array in form.arrays)
        for table in dict.fromkeys(form.tables):
            users.setdefault(table, []).append(index)
    for table, [first, *others] in users.items():
        storage = embeddings[first].serving_form.storage
        num_bytes = storage.num_bytes(table.num_rows, table.width)
        if others:
            shared += num_bytes
        else:
            own[first] += num_bytes
    return own, shared

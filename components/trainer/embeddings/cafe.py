"""The ids that matter most while training get rows of their own; all others share a few by hash."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from pydantic import Field

from components.trainer.embeddings.base import Embedding
from components.trainer.embeddings.parts.hot_sketch import NO_ID, NO_ROW, NUM_SLOTS, HotSketch
from components.trainer.embeddings.parts.replica_context import gather_from_replicas
from components.trainer.embeddings.parts.universal_hash import UniversalHash
from components.trainer.method_config import MethodConfig, SizedConfig

_ID_BYTES = 4
_NO_SERVED_ID = 2**31 - 1
_DECAY = 0.98
_MAINTENANCE = (0.01, 0.02, 0.03, 0.05, 0.075, *(step / 20 for step in range(2, 20)))


class CafeConfig(SizedConfig):
    """Options of `Cafe`.

    Attributes:
      hot_fraction: the part of the rows that belongs to one id each.
    """

    hot_fraction: float = Field(default=0.7, ge=0, le=1, allow_inf_nan=False)


class Cafe(Embedding):
    """`e(id) = W[row(id)]` if `id` is hot, else `W[k + h(id)]`.

    The importance of an id is the sum of the lengths of its gradients, in each step relative to
    their mean. A `HotSketch` of `k` buckets keeps the ids of the largest sums; the `k` first of
    them own a row. An id that gets one starts from the row that it shared. `W` has `n` rows,
    `k = min(floor(hot_fraction * n), n - 1)` of them hot; `n` is the largest number that fits, with
    4 bytes for the id of each hot row.

    Source: Zhang et al. 2024, "CAFE: Towards Compact, Adaptive, and Fast Embedding for Large-scale
    Recommendation Models", section 3 (HotSketch, migration), without the hash tables of several
    levels. It differs from the paper, or from the authors' code, in that

    - rows change their owners at 23 points of the training, earlier ones closer together, not in
      each step; the sketch is updated in each step;
    - an id needs no threshold to be hot: the largest lower bounds of the sums win, where the
      authors compare upper bounds with a threshold that is tuned for each compression ratio;
    - of several new ids in one bucket and step only the most important one comes in;
    - each feature has hot rows of its own (the authors' `cafe_hot_separate_field`);
    - sums decay by 0.98 at each of the points (by 0.99 whenever they have grown by a given amount).

    What the optimizer remembers of a row stays when its owner changes, as in the authors' code. The
    authors give hot rows 0.3 of the memory at ratio 2, 0.5 at 10, 0.7 at 100 and 0.9 at 10,000 on
    Criteo's data.

    Parameters: `n * embedding_dim`. Served: `4 * n * embedding_dim + 4 * k` bytes, the sorted ids
    of the hot rows instead of the sketch. Training: `16 * NUM_SLOTS * k` bytes of sketch more.
    """

    Config = CafeConfig
    observes = True

    def __init__(
        self,
        vocabulary_size: int,
        embedding_dim: int,
        config: CafeConfig,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(vocabulary_size, embedding_dim, config, rng)
        budget = 4 * embedding_dim * vocabulary_size / config.compression_ratio
        row_bytes = 4 * embedding_dim + _ID_BYTES * config.hot_fraction
        num_rows = max(1, math.floor(budget / row_bytes))
        self._num_hot = min(math.floor(config.hot_fraction * num_rows), num_rows - 1)
        self._hash = UniversalHash.draw(num_rows - self._num_hot, rng)
        self._bucket_of = UniversalHash.draw(max(1, self._num_hot), rng)
        self.add_table(num_rows, embedding_dim)
        self._served = _ServedCafe(self, self._num_hot, self._hash)
        if self._num_hot:
            self.maintenance = _MAINTENANCE
            self._add_sketch()

    def _add_sketch(self) -> None:
        shape = (self._num_hot, NUM_SLOTS)
        for name, start, dtype in (
            ("ids", NO_ID, tf.int32),
            ("bounds", 0, tf.float32),
            ("sums", 0, tf.float32),
            ("rows", NO_ROW, tf.int32),
        ):
            self.add_array(name, shape, _filler(shape, start, dtype), dtype, trainable=False)

    @property
    def _sketch(self) -> HotSketch:
        names = ("ids", "bounds", "sums", "rows")
        return HotSketch(self._bucket_of, *(self.array(name) for name in names))

    def rows(self, ids: tf.Tensor) -> list[tf.Tensor]:
        """Returns the own or the shared row of each id, int64 `[batch]`."""
        shared = self._num_hot + self._hash(ids)
        if not self._num_hot:
            return [shared]
        own = self._sketch.find_rows(ids)
        return [tf.where(own == NO_ROW, shared, tf.cast(own, tf.int64))]

    def observe(self, ids: tf.Tensor, gradients: Sequence[tf.Tensor]) -> None:
        """Adds the lengths of the gradients to the sums of their ids, on all replicas alike."""
        if not self._num_hot:
            return
        [gradient] = gradients
        lengths = gather_from_replicas(tf.norm(gradient, axis=1))
        relative = tf.math.divide_no_nan(lengths, tf.reduce_mean(lengths))
        self._sketch.add(gather_from_replicas(ids), relative)

    def maintain(self, progress: float, values: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """Gives the hot rows to the ids of the largest sums; new owners bring their values."""
        sketch = self._sketch
        ids, rows = sketch.reassign_rows(self._num_hot)
        sketch.decay(_DECAY)
        [table] = values
        table = table.copy()
        table[rows] = table[self._num_hot + self._hash(ids).numpy()]
        return [table]

    @property
    def serving_form(self) -> Embedding:
        """The ids of the hot rows, sorted, and the table with its hot rows in that order."""
        return self._served

    def to_serving(
        self, values: Sequence[np.ndarray]
    ) -> tuple[Sequence[np.ndarray], dict[str, np.ndarray]]:
        """Returns the table in the order of the hot ids, and these ids.

        Rows that nobody owns come last among the hot ones.
        """
        if not self._num_hot:
            return values, {}
        owners = np.full(self._num_hot, _NO_SERVED_ID, np.int32)
        ids, rows = self.array("ids").numpy(), self.array("rows").numpy()
        owners[rows[rows != NO_ROW]] = ids[rows != NO_ROW]
        order = np.argsort(owners, kind="stable")
        [table] = values
        hot_rows = table[: self._num_hot][order]
        return [np.concatenate([hot_rows, table[self._num_hot :]])], {"hot_ids": owners[order]}


class _ServedCafe(Embedding):
    """A trained `Cafe`: a hot id is found by its place among the sorted hot ids."""

    def __init__(self, trained: Cafe, num_hot: int, shared_hash: UniversalHash) -> None:
        rng = np.random.default_rng(0)  # its values are those of the trained one
        super().__init__(trained.vocabulary_size, trained.embedding_dim, MethodConfig(), rng)
        [table] = trained.tables
        self._num_hot = num_hot
        self._hash = shared_hash
        self.add_table(table.num_rows, table.width)
        if num_hot:
            start = _filler((num_hot,), _NO_SERVED_ID, tf.int32)
            self.add_array("hot_ids", (num_hot,), start, tf.int32, trainable=False)

    def rows(self, ids: tf.Tensor) -> list[tf.Tensor]:
        """Returns the own or the shared row of each id, int64 `[batch]`."""
        shared = self._num_hot + self._hash(ids)
        if not self._num_hot:
            return [shared]
        hot_ids = self.array("hot_ids")
        ids = tf.cast(ids, tf.int32)
        places = tf.minimum(tf.searchsorted(hot_ids, ids), self._num_hot - 1)
        is_hot = tf.equal(tf.gather(hot_ids, places), ids)
        return [tf.where(is_hot, tf.cast(places, tf.int64), shared)]


def _filler(shape: tuple[int, ...], value: int, dtype: tf.DType) -> Callable[[], tf.Tensor]:
    return lambda: tf.fill(shape, tf.constant(value, dtype))

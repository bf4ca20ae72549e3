"""A sketch that keeps the ids of the largest sums, and the rows that they own."""

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from components.trainer.embeddings.parts.universal_hash import UniversalHash
from components.trainer.repeated_rows import find_distinct, is_compiled_whole

NUM_SLOTS = 4
NO_ROW = -1
NO_ID = -1


@dataclass(frozen=True, eq=False)
class HotSketch:
    """Buckets of `NUM_SLOTS` slots; an id can be only in the bucket that it hashes to.

    Each bucket sums by SpaceSaving (Metwally et al. 2005, "Efficient Computation of Frequent and
    Top-k Elements in Data Streams", section 3): an id that has no slot takes the one of the lowest
    sum and goes on from that sum, which is an upper bound then. What was added since it came is a
    lower bound, and says which ids are the largest for sure. Slots whose id owns a row are never
    taken. All variables are `[num_buckets, NUM_SLOTS]`.

    Attributes:
      bucket_of: the hash to the buckets.
      ids: int32, `NO_ID` in a slot that was never taken.
      bounds: float32, the upper bounds of the sums.
      sums: float32, the lower bounds.
      rows: int32, the rows that ids own, or `NO_ROW`.
    """

    bucket_of: UniversalHash
    ids: tf.Variable
    bounds: tf.Variable
    sums: tf.Variable
    rows: tf.Variable

    def find_rows(self, ids: tf.Tensor) -> tf.Tensor:
        """Returns the rows that ids own, or `NO_ROW`: int32 `[batch]`.

        Args:
          ids: int32 or int64 `[batch]`.
        """
        buckets = self.bucket_of(ids)
        found = tf.equal(tf.gather(self.ids, buckets), tf.cast(ids, tf.int32)[:, None])
        return tf.reduce_max(tf.where(found, tf.gather(self.rows, buckets), NO_ROW), axis=1)

    def add(self, ids: tf.Tensor, values: tf.Tensor) -> None:
        """Adds a value to the sum of each id.

        The ids of a batch that have no slot compete: in each bucket the one of the largest value,
        of equal ones the smallest id, takes the slot. The others are forgotten.

        Args:
          ids: int32 or int64 `[batch]`, in any order, repeated or not.
          values: float32 `[batch]`, 0 or more. An id of value 0 takes no slot.
        """
        ids, positions = _find_distinct(tf.cast(ids, tf.int32))
        values = tf.math.unsorted_segment_sum(values, positions, _length(ids))
        buckets = self.bucket_of(ids)
        found = tf.equal(tf.gather(self.ids, buckets), ids[:, None])
        added = tf.where(found, values[:, None], 0.0)
        for variable in (self.bounds, self.sums):
            tf.raw_ops.ResourceScatterAdd(resource=variable.handle, indices=buckets, updates=added)
        values = tf.where(tf.reduce_any(found, axis=1), 0.0, values)
        self._take_slots(*_where(values > 0, ids, values, buckets))

    def _take_slots(self, ids: tf.Tensor, values: tf.Tensor, buckets: tf.Tensor) -> None:
        """Gives slots to some of these ids, none of which has one and a value of 0 wants one."""
        num_buckets = self.bucket_of.num_buckets
        buckets, positions = _find_distinct(buckets)
        buckets = tf.minimum(buckets, num_buckets)
        largest = tf.math.unsorted_segment_max(values, positions, _length(buckets))
        is_largest = values >= tf.gather(largest, positions)
        candidates = tf.where(is_largest, ids, ids.dtype.max)
        ids = tf.math.unsorted_segment_min(candidates, positions, _length(buckets))
        is_owner = tf.gather(self.rows, buckets) != NO_ROW
        bounds = tf.where(is_owner, np.inf, tf.gather(self.bounds, buckets))
        lowest = tf.reduce_min(bounds, axis=1)
        slots = tf.stack([buckets, tf.argmin(bounds, axis=1)], axis=1)
        is_taken = (largest > 0) & (lowest < np.inf)
        if is_compiled_whole():
            slots = tf.where(is_taken[:, None], slots, num_buckets)
        else:
            slots, ids, lowest, largest = _where(is_taken, slots, ids, lowest, largest)
        updates = ((self.ids, ids), (self.bounds, lowest + largest), (self.sums, largest))
        for variable, update in updates:
            tf.raw_ops.ResourceScatterNdUpdate(ref=variable.handle, indices=slots, updates=update)

    def reassign_rows(self, num_rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Gives the rows to the ids of the largest sums; those that keep one keep theirs.

        Of equal sums the smaller id comes first.

        Args:
          num_rows: rows are `[0, num_rows)`.

        Returns:
          the ids that got a row, int32 `[num_new]`, and these rows, int64 `[num_new]`.
        """
        ids, rows = self.ids.numpy().ravel(), self.rows.numpy().ravel()
        sums = self.sums.numpy().ravel()
        best = np.lexsort((ids, -sums))[:num_rows]
        best = best[sums[best] > 0]
        loses = np.ones(len(ids), bool)
        loses[best] = False
        rows[loses] = NO_ROW
        new = best[rows[best] == NO_ROW]
        free = np.setdiff1d(np.arange(num_rows), rows[rows != NO_ROW])[: len(new)]
        rows[new] = free
        self.rows.assign(rows.reshape(self.rows.shape))
        return ids[new], free

    def decay(self, factor: float) -> None:
        """Multiplies all sums by a factor, so that what is seen later counts more."""
        for variable in (self.bounds, self.sums):
            variable.assign(variable.numpy() * np.float32(factor))


# A step that XLA compiles whole has shapes that are known beforehand: nothing is left out there,
# and what is scattered outside of a variable has no effect.
def _find_distinct(values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return find_distinct(values) if is_compiled_whole() else tf.unique(values)


def _length(values: tf.Tensor) -> tf.Tensor | int:
    return values.shape[0] if is_compiled_whole() else tf.size(values)


def _where(wanted: tf.Tensor, *values: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """The values where they are wanted; all of them in a step that is compiled whole."""
    if is_compiled_whole():
        return values
    positions = tf.where(wanted)[:, 0]
    return tuple(tf.gather(each, positions) for each in values)

"""What comes several times in a batch, with shapes that do not depend on the batch."""

import tensorflow as tf
from tensorflow.python.ops import control_flow_util


def find_distinct(values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Does what `tf.unique` does, with results as long as what went in.

    Args:
      values: int32 or int64 `[batch]`, below the largest number of their dtype.

    Returns:
      the distinct values in ascending order, then that largest number for the rest of `[batch]`;
      and the place of each value among them, int32 `[batch]`.
    """
    length = values.shape[0]
    order = tf.argsort(values, stable=True)
    in_order = tf.gather(values, order)
    is_other = tf.cast(in_order[1:] != in_order[:-1], tf.int32)
    places_in_order = tf.cumsum(tf.concat([[0], is_other], axis=0))
    # The smallest of none is the largest number there is.
    distinct = tf.math.unsorted_segment_min(in_order, places_in_order, length)
    return distinct, tf.math.unsorted_segment_sum(places_in_order, order, length)


def sum_repeated_rows(
    gradient: tf.Tensor, rows: tf.Tensor, num_rows: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Sums the gradients of equal rows.

    As many rows come back as went in: first the distinct ones in ascending order, then `num_rows`,
    which is none. XLA leaves out what is scattered there; other devices may refuse it.

    Args:
      gradient: float32 `[batch, width]`.
      rows: int32 or int64 `[batch]`, in `[0, num_rows)`.
      num_rows: of the table.

    Returns:
      the sums, float32 `[batch, width]`, 0 where there is no row, and the rows `[batch]`.
    """
    distinct, places = find_distinct(rows)
    sums = tf.math.unsorted_segment_sum(gradient, places, rows.shape[0])
    return sums, tf.minimum(distinct, tf.cast(num_rows, rows.dtype))


def is_compiled_whole() -> bool:
    """Returns whether XLA, as on TPUs, compiles what is traced now with all that is around it."""
    return control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())

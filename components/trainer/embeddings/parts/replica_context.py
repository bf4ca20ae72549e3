"""What replicas of a training tell each other."""

import tensorflow as tf


def gather_from_replicas(value: tf.Tensor) -> tf.Tensor:
    """Returns the values of all replicas behind each other, in their order, equal on all.

    Args:
      value: of this replica, `[batch, ...]`.
    """
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return value
    return context.all_gather(value, axis=0)

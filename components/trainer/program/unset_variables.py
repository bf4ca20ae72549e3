"""Variables that have a shape and no values: what is only exported need not fit into memory."""

import contextlib
import functools
import math
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

SMALLEST_BYTES = 2**26


@contextlib.contextmanager
def large_variables_unset(smallest_bytes: int = SMALLEST_BYTES) -> Iterator[None]:
    """Leaves the large variables that are made inside without values.

    Their memory is asked for and never touched, so an operating system gives none. It works for
    variables of layers and for slots of optimizers, which tell their shape beforehand.

    Args:
      smallest_bytes: of the variables that are left unset.
    """

    def make(next_creator: Any, **options: Any) -> tf.Variable:
        value = options.get("initial_value")
        if isinstance(value, functools.partial):
            shape = value.args[0] if value.args else value.keywords.get("shape")
            dtype = tf.as_dtype(options.get("dtype") or tf.float32)
            if (
                shape is not None
                and math.prod(tf.TensorShape(shape)) * dtype.size >= smallest_bytes
            ):
                options["initial_value"] = lambda: tf.raw_ops.Empty(
                    shape=tf.TensorShape(shape).as_list(), dtype=dtype, init=False
                )
        return next_creator(**options)

    with tf.variable_creator_scope(make):
        yield

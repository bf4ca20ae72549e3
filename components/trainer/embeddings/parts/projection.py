"""Matrices that bring rows of one width to another."""

import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf


def draw_projection(
    num_inputs: int, num_outputs: int, rng: np.random.Generator
) -> Callable[[], tf.Tensor]:
    """Returns a function that gives the values of a matrix at the start.

    They are uniform in `+-sqrt(3 / num_inputs)`, which has the variance `1 / num_inputs`: a row of
    independent values of mean 0, times the matrix, keeps its variance.

    Args:
      num_inputs: the width of the rows that it multiplies.
      num_outputs: the width of the products.
      rng: the source of the seed.

    Returns:
      gives float32 `[num_inputs, num_outputs]`, the same at each call.
    """
    seed = int(rng.integers(2**31))
    high = math.sqrt(3.0 / num_inputs)

    def initial_values() -> tf.Tensor:
        return tf.random.stateless_uniform([num_inputs, num_outputs], (seed, 0), -high, high)

    return initial_values

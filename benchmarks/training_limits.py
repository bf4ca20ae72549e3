"""What the machine could do: the matrix products and row lookups of a train step, alone.

A worker of `benchmarks.training`: each of its steps runs every kernel once, and it answers with the
shortest time of each so far.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from benchmarks.training_problem import Problem
from benchmarks.training_shape import GATHER, matmul_shapes
from benchmarks.training_worker import Settings, serve


def _make_kernels(problem: Problem, settings: Settings) -> dict[str, Callable[[], Any]]:
    shape, dtype = problem.shape, tf.as_dtype(settings.precision)
    kernels: dict[str, Callable[[], Any]] = {}
    for name, rows, inner, columns in matmul_shapes(shape):
        # As a step has them: the gradient of a kernel transposes the input, that of the input the
        # kernel.
        first_transposed, second_transposed = name.startswith("kernel"), name.startswith("input")
        first = tf.random.normal([inner, rows] if first_transposed else [rows, inner])
        second = tf.random.normal([columns, inner] if second_transposed else [inner, columns])
        first, second = tf.cast(first, dtype), tf.cast(second, dtype)

        def multiply(
            first: tf.Tensor = first,
            second: tf.Tensor = second,
            first_transposed: bool = first_transposed,
            second_transposed: bool = second_transposed,
        ) -> tf.Tensor:
            return tf.matmul(first, second, first_transposed, second_transposed)

        kernels[name] = multiply
    table = tf.constant(np.array(problem.table))
    num_ids = shape.batch_size * len(shape.vocabulary_sizes)
    ids = tf.random.uniform([num_ids], 0, len(problem.table), tf.int32)
    kernels[GATHER] = lambda: tf.gather(table, ids)
    return kernels


def start(problem: Problem, settings: Settings) -> tuple[dict[str, Any], Any]:
    """Makes the kernels and runs each once."""
    tf.config.threading.set_intra_op_parallelism_threads(settings.threads)
    tf.config.threading.set_inter_op_parallelism_threads(settings.threads)
    kernels = _make_kernels(problem, settings)
    best = dict.fromkeys(kernels, float("inf"))

    def run(num_steps: int) -> dict[str, Any]:
        for _ in range(num_steps):
            for name, kernel in kernels.items():
                start_seconds = time.perf_counter()
                kernel()
                best[name] = min(best[name], time.perf_counter() - start_seconds)
        return {"seconds": dict(best)}

    run(1)
    return {}, run


if __name__ == "__main__":
    serve(start)

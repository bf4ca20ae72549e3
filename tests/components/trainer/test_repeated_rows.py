import numpy as np
import pytest
import tensorflow as tf

from components.trainer.repeated_rows import is_compiled_whole, sum_repeated_rows


@pytest.mark.parametrize("dtype", [tf.int32, tf.int64])
def test_gradients_of_equal_rows_are_summed_and_what_is_left_is_no_row(dtype):
    gradient = tf.constant([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5], [4.0, 0.0]])
    sums, rows = sum_repeated_rows(gradient, tf.constant([4, 1, 4, 0], dtype), num_rows=6)
    assert rows.dtype == dtype
    np.testing.assert_array_equal(rows, [0, 1, 4, 6])
    np.testing.assert_array_equal(sums, [[4.0, 0.0], [3.0, -1.0], [1.5, 2.5], [0.0, 0.0]])


def test_one_row_is_itself():
    sums, rows = sum_repeated_rows(tf.constant([[2.0]]), tf.constant([3]), num_rows=5)
    assert (rows.numpy().tolist(), sums.numpy().tolist()) == ([3], [[2.0]])


def test_shapes_are_known_beforehand():
    function = tf.function(lambda g, r: sum_repeated_rows(g, r, 9))
    traced = function.get_concrete_function(
        tf.TensorSpec([8, 2], tf.float32), tf.TensorSpec([8], tf.int32)
    )
    assert [tuple(output.shape) for output in traced.outputs] == [(8, 2), (8,)]


@pytest.mark.parametrize("jit_compile", [True, False])
def test_a_step_knows_whether_xla_compiles_it(jit_compile):
    seen = []

    def inner():
        seen.append(is_compiled_whole())
        return tf.constant(0)

    tf.function(tf.function(inner), jit_compile=jit_compile)()
    assert seen == [jit_compile]

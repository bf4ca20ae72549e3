import functools

import numpy as np
import psutil
import tensorflow as tf
import tf_keras

from components.trainer.program.unset_variables import large_variables_unset


def test_a_large_variable_has_its_shape_and_takes_no_memory() -> None:
    before = psutil.Process().memory_info().rss
    with large_variables_unset():
        variable = tf.Variable(functools.partial(tf.ones, [200_000_000], dtype=tf.float32))
    assert variable.shape == [200_000_000]
    assert psutil.Process().memory_info().rss - before < 100_000_000


def test_a_small_variable_gets_its_values() -> None:
    with large_variables_unset(smallest_bytes=17):
        variable = tf.Variable(functools.partial(tf.ones, [4], dtype=tf.float32))
    np.testing.assert_array_equal(variable, np.ones(4))


def test_variables_of_layers_and_of_optimizers_are_left_unset() -> None:
    filled = []

    def initializer(shape: object, dtype: object = None, **unused: object) -> tf.Tensor:
        filled.append(shape)
        return tf.ones(shape, dtype)

    optimizer = tf_keras.optimizers.legacy.Adagrad(0.1)
    with large_variables_unset(smallest_bytes=64):
        layer = tf_keras.layers.Layer()
        variable = layer.add_weight("w", shape=(4, 4), initializer=initializer)
        slot = optimizer.add_slot(variable, "accumulator", initializer)
        small = layer.add_weight("b", shape=(3,), initializer=initializer)
    assert (variable.shape, slot.shape) == ((4, 4), (4, 4))
    assert [tuple(shape) for shape in filled] == [tuple(small.shape)]


def test_variables_outside_are_filled() -> None:
    with large_variables_unset(smallest_bytes=1):
        pass
    variable = tf.Variable(functools.partial(tf.ones, [4], dtype=tf.float32))
    np.testing.assert_array_equal(variable, np.ones(4))

import numpy as np
import tensorflow as tf

from components.trainer.embeddings.parts.powers_of_two import floor_log2, power_of_two


def test_logarithm_and_power_of_two_of_cases_worked_out_by_hand() -> None:
    values = tf.constant([1.0, -1.5, 2.0, 0.24, 0.25, 0.0, 3e-39])
    np.testing.assert_array_equal(floor_log2(values), [0, 0, 1, -3, -2, -127, -127])
    np.testing.assert_array_equal(power_of_two(tf.constant([0, -3, 10])), [1.0, 0.125, 1024.0])

import numpy as np
import pytest
import tensorflow as tf

from components.trainer.embeddings.base import serving_bytes
from components.trainer.embeddings.float16 import Float16
from components.trainer.method_config import MethodConfig
from tests.components.trainer.embeddings.slow_rounding import slow_round
from tests.components.trainer.embeddings.standalone import make

STORAGE = Float16(MethodConfig())


def round_rows(values: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    arrays = STORAGE.round_rows(tf.constant(values), tf.constant(uniform))
    rounded: np.ndarray = tf.cast(arrays["values"], tf.float32).numpy()
    return rounded


def test_rounding_of_a_case_worked_out_by_hand() -> None:
    # Beside 2.003 lie 2 + 2**-9 = 2.001953125 and 2.00390625. It is 0.536 of the way up.
    values = np.full((1, 3), -2.003, np.float32)
    uniform = np.array([[0.0, 0.53, 0.54]], np.float32)
    expected = [[-2.00390625, -2.00390625, -2.001953125]]
    np.testing.assert_array_equal(round_rows(values, uniform), expected)


def test_rounding_is_that_of_the_slow_twin() -> None:
    """Numbers below 2**-14, which lie 2**-24 apart, are among them."""
    rng = np.random.default_rng(0)
    values = (rng.normal(size=(60, 5)) * 10.0 ** rng.integers(-8, 4, (60, 5))).astype(np.float32)
    uniform = rng.uniform(size=values.shape).astype(np.float32)
    expected = slow_round(values, uniform, mantissa_bits=10, min_exponent=-14)
    np.testing.assert_array_equal(round_rows(values, uniform), expected)


@pytest.mark.parametrize("value", [1e5, -3e38])
def test_values_beyond_the_largest_are_cut_off(value: float) -> None:
    values = np.full((1, 2), value, np.float32)
    expected = np.full((1, 2), np.copysign(65_504.0, value))
    np.testing.assert_array_equal(round_rows(values, np.zeros((1, 2), np.float32)), expected)
    np.testing.assert_array_equal(STORAGE.encode(values)["values"], expected)


def test_bytes_are_2_a_value() -> None:
    embedding = make("float16", 1_000, 16)
    assert serving_bytes([embedding.embedding]) == 32_000
    assert sum(v.numpy().nbytes for v in embedding.tables.table_variables) == 32_000

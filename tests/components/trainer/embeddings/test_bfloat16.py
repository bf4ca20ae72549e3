import numpy as np
import pytest
import tensorflow as tf

from components.trainer.embeddings.base import serving_bytes
from components.trainer.embeddings.bfloat16 import Bfloat16
from components.trainer.method_config import MethodConfig
from tests.components.trainer.embeddings.slow_rounding import slow_round
from tests.components.trainer.embeddings.standalone import make


def round_rows(values: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    storage = Bfloat16(MethodConfig())
    arrays = storage.round_rows(tf.constant(values), tf.constant(uniform))
    rounded: np.ndarray = tf.cast(arrays["values"], tf.float32).numpy()
    return rounded


def test_rounding_of_a_case_worked_out_by_hand() -> None:
    # Beside 1.01 lie 1 and 1 + 2**-7 = 1.0078125 and 1.015625. It is 0.28 of the way up.
    values = np.full((1, 3), 1.01, np.float32)
    uniform = np.array([[0.0, 0.71, 0.73]], np.float32)
    np.testing.assert_array_equal(round_rows(values, uniform), [[1.0078125, 1.0078125, 1.015625]])


def test_rounding_is_that_of_the_slow_twin() -> None:
    rng = np.random.default_rng(0)
    values = (rng.normal(size=(60, 5)) * 10.0 ** rng.integers(-20, 20, (60, 5))).astype(np.float32)
    uniform = rng.uniform(size=values.shape).astype(np.float32)
    expected = slow_round(values, uniform, mantissa_bits=7, min_exponent=-119)
    np.testing.assert_array_equal(round_rows(values, uniform), expected)


@pytest.mark.parametrize("value", [0.0, 1.0, -0.375, 254.0])
def test_a_number_of_the_type_stays(value: float) -> None:
    uniform = np.linspace(0, 0.999, 50, dtype=np.float32)[None]
    rounded = round_rows(np.full((1, 50), value, np.float32), uniform)
    np.testing.assert_array_equal(rounded, np.full((1, 50), value))


def test_bytes_are_2_a_value() -> None:
    embedding = make("bfloat16", 1_000, 16)
    assert serving_bytes([embedding.embedding]) == 32_000
    assert sum(v.numpy().nbytes for v in embedding.tables.table_variables) == 32_000

import math

import numpy as np
import pytest
import tensorflow as tf

from components.trainer.embeddings.base import serving_bytes
from components.trainer.embeddings.int8_trained import Int8Trained
from components.trainer.method_config import MethodConfig
from tests.components.trainer.embeddings.standalone import make

STORAGE = Int8Trained(MethodConfig())
HALF = np.full((1, 3), 0.5, np.float32)


def round_rows(values: np.ndarray, uniform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    arrays = STORAGE.round_rows(tf.constant(values), tf.constant(uniform))
    return arrays["codes"].numpy(), arrays["exponents"].numpy()


def slow_exponent(row: np.ndarray) -> int:
    largest, exponent = float(np.abs(row).max()), -126
    while exponent < 120 and 127 * 2.0**exponent < largest:
        exponent += 1
    return exponent


def test_rounding_of_a_case_worked_out_by_hand() -> None:
    # 1 / 127 = 0.00787 lies between 2**-7 = 0.0078 and 2**-6: the latter. 0.1 is 6.4 of them.
    codes, exponents = round_rows(
        np.array([[1.0, 0.1, -0.1]], np.float32), np.array([[0.9, 0.5, 0.5]], np.float32)
    )
    np.testing.assert_array_equal(exponents, [[-6]])
    np.testing.assert_array_equal(codes, [[64, 6, -6]])  # floor(6.9), floor(-5.9)


def test_rounding_is_that_of_the_slow_twin() -> None:
    rng = np.random.default_rng(0)
    values = (rng.normal(size=(80, 6)) * 10.0 ** rng.integers(-20, 20, (80, 1))).astype(np.float32)
    uniform = rng.uniform(size=values.shape).astype(np.float32)
    codes, exponents = round_rows(values, uniform)
    assert exponents.ravel().tolist() == [slow_exponent(row) for row in values]
    for row, of_row, u, exponent in zip(values, codes, uniform, exponents[:, 0], strict=True):
        scaled = [float(v) / 2.0 ** float(exponent) for v in row]
        expected = [math.floor(np.float32(s) + v) for s, v in zip(scaled, u, strict=True)]
        np.testing.assert_array_equal(of_row, np.clip(expected, -127, 127))


@pytest.mark.parametrize("largest", [127.0, 126.9, 127.1, 63.5, 0.0, 1e-30])
def test_encoding_and_rounding_choose_the_same_exponent(largest: float) -> None:
    values = np.array([[0.0, -largest, largest / 3]], np.float32)
    _, exponents = round_rows(values, np.zeros((1, 3), np.float32))
    if largest:
        np.testing.assert_array_equal(STORAGE.encode(values)["exponents"], exponents)
        assert exponents[0, 0] == slow_exponent(values)
    decoded = np.exp2(exponents.astype(np.float32)) * round_rows(values, HALF)[0]
    np.testing.assert_allclose(decoded, values, atol=largest / 63)


def test_decoded_rows_are_encoded_without_loss() -> None:
    embedding = make("int8_trained", 500, 7)
    codes = np.random.default_rng(0).integers(-127, 128, (500, 7))
    # Also rows whose exponent is larger than they need.
    values = (codes // 2 ** np.arange(500)[:, None].clip(0, 6) * 2.0**-9).astype(np.float32)
    embedding.set_tables([values])
    np.testing.assert_array_equal(embedding.get_tables()[0], values)


def test_bytes_are_1_a_value_and_1_a_row() -> None:
    embedding = make("int8_trained", 1_000, 16)
    assert serving_bytes([embedding.embedding]) == 17_000
    assert sum(v.numpy().nbytes for v in embedding.tables.table_variables) == 17_000

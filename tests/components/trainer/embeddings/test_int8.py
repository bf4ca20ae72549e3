import numpy as np
import pytest
import tensorflow as tf

from components.trainer.embeddings.base import serving_bytes
from tests.components.trainer.embeddings.standalone import make


def test_served_row_of_a_case_worked_out_by_hand() -> None:
    # Offset -1 and scale 2 / 255, as bfloat16 rounded up: 2**-7 * 1.0078125 = 0.0078735.
    # 0.3 lies (0.3 + 1) / 0.0078735 = 165.1 scales above the offset: code 165.
    embedding = make("int8", 1, 3)
    embedding.set_tables([np.array([[-1.0, 0.3, 1.0]], np.float32)])
    expected = [[-1.0, -1.0 + 165 * 0.00787353515625, -1.0 + 254 * 0.00787353515625]]
    served = embedding.served()(tf.constant([0], tf.int64))
    np.testing.assert_allclose(served, expected, rtol=1e-6)


def slow_decode(codes: np.ndarray, scales: np.ndarray, row: int) -> list[float]:
    scale, offset = (float(each) for each in scales[row])
    return [offset + scale * int(code) for code in codes[row]]


def test_served_rows_follow_the_slow_twin() -> None:
    embedding = make("int8", 300, 5)
    served = embedding.served()
    [encoded] = served.tables.encoded
    codes, scales = encoded["codes"].numpy(), encoded["scales"].numpy()
    expected = [slow_decode(codes, scales, row) for row in range(300)]
    np.testing.assert_allclose(served(tf.range(300, dtype=tf.int64)), expected, rtol=1e-5)


def test_served_values_are_off_by_less_than_a_510th_of_the_range_of_their_row() -> None:
    embedding = make("int8", 1_000, 16)
    [values] = embedding.get_tables()
    served = embedding.served()(tf.range(1_000, dtype=tf.int64)).numpy()
    error = np.abs(served - values).max(axis=1)
    assert (error < np.ptp(values, axis=1) / 510 * (1 + 2 / 128)).all()
    assert error.max() > 0


@pytest.mark.parametrize(("dim", "num_bytes"), [(16, 1_000 * 20), (7, 1_000 * 11), (1, 4_000)])
def test_bytes_are_a_code_a_value_and_4_a_row(dim: int, num_bytes: int) -> None:
    assert serving_bytes([make("int8", 1_000, dim).embedding]) == num_bytes


def test_rows_of_one_value_stay_exact() -> None:
    embedding = make("int8", 50, 1)
    ids = tf.range(50, dtype=tf.int64)
    np.testing.assert_array_equal(embedding.served()(ids), embedding(ids))

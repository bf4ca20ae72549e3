import numpy as np
import pytest
import tensorflow as tf

from components.trainer.embeddings.base import serving_bytes
from tests.components.trainer.embeddings.standalone import make


def test_served_row_of_a_case_worked_out_by_hand() -> None:
    # Offset -1 and scale 2 / 15 = 0.13333, as bfloat16 rounded up: 2**-3 * 1.0703125 = 0.13378906.
    # 0.3: 1.3 / 0.13378906 = 9.72, code 10. 1.0: 14.95, code 15. Bytes 0 | 10 << 4 = 160, and 15.
    embedding = make("int4", 1, 3, greedy_search=False)
    embedding.set_tables([np.array([[-1.0, 0.3, 1.0]], np.float32)])
    served = embedding.served()
    [encoded] = served.tables.encoded
    np.testing.assert_array_equal(encoded["codes"], [[160, 15]])
    expected = [[-1.0, -1.0 + 10 * 0.1337890625, -1.0 + 15 * 0.1337890625]]
    np.testing.assert_allclose(served(tf.constant([0], tf.int64)), expected, rtol=1e-6)


def slow_decode(codes: np.ndarray, scales: np.ndarray, row: int, width: int) -> list[float]:
    scale, offset = (float(each) for each in scales[row])
    pairs = [(int(code) % 16, int(code) // 16) for code in codes[row]]
    return [offset + scale * code for pair in pairs for code in pair][:width]


@pytest.mark.parametrize("dim", [2, 5, 8])
def test_served_rows_follow_the_slow_twin(dim: int) -> None:
    embedding = make("int4", 300, dim)
    served = embedding.served()
    [encoded] = served.tables.encoded
    codes, scales = encoded["codes"].numpy(), encoded["scales"].numpy()
    expected = [slow_decode(codes, scales, row, dim) for row in range(300)]
    actual = served(tf.range(300, dtype=tf.int64))
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-8)


def test_served_values_are_off_by_less_than_a_30th_of_the_range_of_their_row() -> None:
    embedding = make("int4", 1_000, 16, greedy_search=False)
    [values] = embedding.get_tables()
    served = embedding.served()(tf.range(1_000, dtype=tf.int64)).numpy()
    error = np.abs(served - values).max(axis=1)
    assert (error < np.ptp(values, axis=1) / 30 * (1 + 2 / 128)).all()
    assert error.max() > 0


def test_search_lowers_the_error_of_bell_shaped_rows() -> None:
    values = np.random.default_rng(0).normal(size=(1_000, 16)).astype(np.float32)
    errors = []
    for greedy_search in (False, True):
        embedding = make("int4", 1_000, 16, greedy_search=greedy_search)
        embedding.set_tables([values])
        served = embedding.served()(tf.range(1_000, dtype=tf.int64)).numpy()
        errors.append(np.square(served - values).mean())
    assert errors[1] < 0.9 * errors[0]


@pytest.mark.parametrize(("dim", "num_bytes"), [(16, 1_000 * 12), (7, 1_000 * 8), (1, 4_000)])
def test_bytes_are_half_a_byte_a_value_and_4_a_row(dim: int, num_bytes: int) -> None:
    assert serving_bytes([make("int4", 1_000, dim).embedding]) == num_bytes

import numpy as np
import pytest
import tensorflow as tf

from components.trainer.embeddings.smaller_dim import SmallerDim
from components.trainer.method_config import SizedConfig
from tests.components.trainer.embeddings.standalone import make


@pytest.mark.parametrize(
    ("ratio", "width"), [(1.0, 16), (2.0, 8), (3.0, 5), (8.1, 2), (10.0, 1), (1e9, 1)]
)
def test_width_is_rounded_down_and_at_least_one(ratio: float, width: int) -> None:
    # 16 / 3 = 5.3, 16 / 8.1 = 1.98 (two per cent more are allowed), 16 / 10 = 1.6.
    embedding = make("smaller_dim", 100, 16, compression_ratio=ratio)
    assert embedding.get_tables()[0].shape == (100, width)
    assert embedding.embedding.num_parameters == 100 * width


def test_vector_is_the_row_and_zeros_in_a_case_worked_out_by_hand() -> None:
    embedding = make("smaller_dim", 3, 4, compression_ratio=2.0)
    embedding.set_tables([np.array([[1, 2], [3, 4], [5, 6]], np.float32)])
    np.testing.assert_array_equal(
        embedding(tf.constant([2, 0])), [[5.0, 6.0, 0.0, 0.0], [1.0, 2.0, 0.0, 0.0]]
    )


def test_dot_products_are_those_of_the_narrow_rows() -> None:
    embedding = make("smaller_dim", 50, 8, compression_ratio=3.0)
    [rows] = embedding.get_tables()
    vectors = embedding(tf.range(50)).numpy()
    np.testing.assert_allclose(vectors @ vectors.T, rows @ rows.T, rtol=1e-5, atol=1e-7)


def test_room_goes_to_the_largest_features_that_fit() -> None:
    # 4000 ids of width 8 at ratio 5: 6400 weights, 4000 of them for one column each. Then 2400 are
    # left: 2000 for a second column of the largest feature, 300 for one of another.
    config = SizedConfig(compression_ratio=5.0)
    rngs = [np.random.default_rng(i) for i in range(4)]
    features = SmallerDim.make_all([1_100, 2_000, 300, 600], [8] * 4, config, rngs)
    assert [feature.tables[0].width for feature in features] == [1, 2, 2, 1]

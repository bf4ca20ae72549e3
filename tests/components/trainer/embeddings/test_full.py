import numpy as np
import tensorflow as tf

from components.trainer.embeddings.full import Full
from components.trainer.method_config import MethodConfig
from tests.components.trainer.embeddings.standalone import Standalone


def test_vector_is_the_row_of_the_id() -> None:
    full = Standalone(Full(4, 2, MethodConfig(), np.random.default_rng(0)))
    full.set_tables([np.array([[0, 1], [2, 3], [4, 5], [6, 7]], np.float32)])
    np.testing.assert_array_equal(full(tf.constant([3, 0])), [[6, 7], [0, 1]])


def test_initial_values_fill_plus_minus_one_over_root_of_the_size() -> None:
    full = Standalone(Full(10_000, 4, MethodConfig(), np.random.default_rng(0)))
    (table,) = full.get_tables()
    assert -0.01 <= table.min() < -0.0099
    assert 0.0099 < table.max() <= 0.01
    assert len(np.unique(table)) > 39_000

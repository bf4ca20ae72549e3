import numpy as np
import pytest
import tensorflow as tf

from components.trainer.embeddings.base import serving_bytes
from components.trainer.embeddings.multi_layer import MultiLayer, MultiLayerConfig
from tests.components.trainer.embeddings.standalone import make


def test_every_id_matches_the_slow_twin() -> None:
    embedding = make("multi_layer", 97, 4, inner_dim=6)
    [rows] = embedding.get_tables()
    matrix = embedding.embedding.array("projection").numpy()
    expected = [
        [sum(rows[i, r] * matrix[r, d] for r in range(6)) for d in range(4)] for i in range(97)
    ]
    np.testing.assert_allclose(embedding(tf.range(97)), expected, rtol=1e-4, atol=1e-7)


def test_one_table_is_served_in_a_case_worked_out_by_hand() -> None:
    embedding = make("multi_layer", 2, 1, inner_dim=2)
    embedding.set_tables([np.array([[1, 2], [3, 4]], np.float32)])
    embedding.embedding.array("projection").assign([[10], [1]])
    served = embedding.served().tables
    # 1 * 10 + 2 * 1 and 3 * 10 + 4 * 1.
    [table] = served.encoded
    np.testing.assert_array_equal(table["values"], [[12], [34]])
    np.testing.assert_array_equal(served([tf.constant([1, 0])])[0], [[34], [12]])


def test_what_is_served_has_the_bytes_of_a_full_table() -> None:
    method = make("multi_layer", 1_000, 8).embedding
    assert method.num_parameters == (1_000 + 8) * 32
    assert serving_bytes([method]) == 1_000 * 8 * 4


def test_one_step_moves_ids_that_are_not_in_the_batch() -> None:
    embedding = make("multi_layer", 10, 4)
    before = embedding(tf.range(10)).numpy()
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum((embedding(tf.constant([0])) - 1.0) ** 2)
    variables = embedding.trainable_variables
    for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
        variable.assign_sub(0.01 * tf.convert_to_tensor(gradient))
    moved = np.abs(embedding(tf.range(10)).numpy() - before).max(axis=1)
    assert (moved > 1e-5).all()


def test_vectors_start_at_the_scale_of_a_full_table() -> None:
    vectors = make("multi_layer", 10_000, 16)(tf.range(10_000)).numpy()
    assert vectors.std() == pytest.approx(0.01 / np.sqrt(3), rel=0.1)


@pytest.mark.parametrize("inner_dim", [4, 8])
def test_inner_dim_that_is_not_wider_is_refused(inner_dim: int) -> None:
    config = MultiLayerConfig(inner_dim=inner_dim)
    with pytest.raises(ValueError, match=f"more than embedding_dim 8; received {inner_dim}"):
        MultiLayer(100, 8, config, np.random.default_rng(0))

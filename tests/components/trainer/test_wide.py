import numpy as np
import pytest
import tensorflow as tf

from components.trainer.wide import Wide

SIZES = (3, 5, 2)
IDS = np.array([[0, 4, 1], [2, 0, 0]])
DENSE = np.array([[1.0, 2.0], [-1.0, 3.0]], np.float32)


def make(dense_width: int = 2) -> Wide:
    return Wide(SIZES, dense_width)


def test_it_starts_at_zero() -> None:
    np.testing.assert_array_equal(make()(tf.constant(DENSE), tf.constant(IDS)), [0.0, 0.0])


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_sums_are_worked_out_by_hand(dtype: type) -> None:
    wide = make()
    [table], [dense_weight] = wide.embedding_variables, wide.dense_variables
    table.assign(np.arange(10.0).reshape(10, 1))
    dense_weight.assign([[100.0], [1000.0]])
    output = wide(tf.constant(DENSE), tf.constant(IDS.astype(dtype)))
    # Rows 0-2 are the first feature's, 3-7 the second's, 8 and 9 the third's.
    assert output.numpy().tolist() == [100 + 2000 + (0 + 7 + 9), -100 + 3000 + (2 + 3 + 8)]


def test_without_dense_features_the_ids_decide_alone() -> None:
    wide = make(dense_width=0)
    wide.embedding_variables[0].assign(np.arange(10.0).reshape(10, 1))
    assert wide(tf.zeros([2, 0]), tf.constant(IDS)).numpy().tolist() == [16.0, 13.0]


@pytest.mark.parametrize("num_rows", [0, 1, 1_000])
def test_any_number_of_rows_is_accepted(num_rows: int) -> None:
    ids = np.zeros((num_rows, 3), np.int64)
    assert make()(tf.zeros([num_rows, 2]), tf.constant(ids)).shape == (num_rows,)


def test_gradient_holds_the_rows_of_the_batch_only() -> None:
    wide = make()
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(wide(tf.constant(DENSE), tf.constant(IDS)) * [1.0, 10.0])
    gradient, dense_gradient = tape.gradient(loss, wide.embedding_variables + wide.dense_variables)
    assert isinstance(gradient, tf.IndexedSlices)
    assert gradient.indices.numpy().tolist() == [0, 7, 9, 2, 3, 8]
    assert gradient.values.numpy().ravel().tolist() == [1, 1, 1, 10, 10, 10]
    assert dense_gradient.numpy().ravel().tolist() == [1 - 10, 2 + 30]


def test_embedding_bytes_are_four_an_id() -> None:
    assert make().embedding_bytes == (3 + 5 + 2) * 4

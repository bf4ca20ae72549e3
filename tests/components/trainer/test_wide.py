import numpy as np
import pytest
import tensorflow as tf

from components.trainer.embeddings.base import serving_bytes
from components.trainer.tables import EmbeddingTables
from components.trainer.wide import Wide

SIZES = (3, 5, 2)
IDS = np.array([[0, 4, 1], [2, 0, 0]])
DENSE = np.array([[1.0, 2.0], [-1.0, 3.0]], np.float32)


def make(dense_width: int = 2) -> Wide:
    return Wide(SIZES, dense_width, np.random.default_rng(0))


def by_id(wide: Wide, weights: list[float]) -> list[tf.Tensor]:
    """The weights of `IDS`, where those of all features lie behind each other in `weights`."""
    tables = EmbeddingTables(wide.id_weights)
    first_rows = np.cumsum([0, *SIZES])
    for embedding, first, end in zip(wide.id_weights, first_rows[:-1], first_rows[1:], strict=True):
        tables.assign(embedding, [np.array(weights[first:end], np.float32)[:, None]])
    return tables(tf.unstack(tf.constant(IDS), axis=1))


def test_it_starts_at_zero() -> None:
    wide = make()
    columns = tf.unstack(tf.constant(IDS), axis=1)
    weights = EmbeddingTables(wide.id_weights)(columns)
    np.testing.assert_array_equal(wide(tf.constant(DENSE), weights), [0.0, 0.0])


def test_sums_are_worked_out_by_hand() -> None:
    wide = make()
    wide.set_weights([np.array([[100.0], [1000.0]])])
    # Rows 0-2 are the first feature's, 3-7 the second's, 8 and 9 the third's.
    output = wide(tf.constant(DENSE), by_id(wide, list(range(10))))
    assert output.numpy().tolist() == [100 + 2000 + (0 + 7 + 9), -100 + 3000 + (2 + 3 + 8)]


def test_without_dense_features_the_ids_decide_alone() -> None:
    wide = make(dense_width=0)
    output = wide(tf.zeros([2, 0]), by_id(wide, list(range(10))))
    assert output.numpy().tolist() == [16.0, 13.0]


@pytest.mark.parametrize("num_rows", [0, 1, 1_000])
def test_any_number_of_rows_is_accepted(num_rows: int) -> None:
    weights = [tf.zeros([num_rows, 1])] * 3
    assert make()(tf.zeros([num_rows, 2]), weights).shape == (num_rows,)


def test_bytes_of_the_ids_are_four_an_id() -> None:
    assert serving_bytes(make().id_weights) == (3 + 5 + 2) * 4

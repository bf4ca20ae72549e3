import math

import numpy as np
import pytest
import tensorflow as tf

from components.trainer.embeddings.base import serving_bytes
from tests.components.trainer.embeddings.standalone import Standalone, make


def set_thresholds(embedding: Standalone, thresholds: list[float]) -> None:
    embedding.embedding.array("s").assign([math.log(t / (1 - t)) for t in thresholds])


def slow_lookup(table: np.ndarray, s: np.ndarray, ids: list[int]) -> np.ndarray:
    """Liu et al. 2021, section 3, one value at a time; `s` is one number or one a dimension."""
    vectors = []
    for i in ids:
        vector = []
        for d, value in enumerate(table[i].tolist()):
            threshold = 1 / (1 + math.exp(-float(s[d % len(s)])))
            vector.append(math.copysign(1.0, value) * max(abs(value) - threshold, 0.0))
        vectors.append(vector)
    return np.array(vectors)


def test_vector_of_a_case_worked_out_by_hand() -> None:
    embedding = make("pep", 2, 3, granularity="feature")
    embedding.set_tables([np.array([[9, 9, 9], [0.5, -0.125, -0.75]], np.float32)])
    set_thresholds(embedding, [0.25])
    vector = embedding(tf.constant([1])).numpy()
    np.testing.assert_allclose(vector, [[0.25, 0.0, -0.5]], atol=1e-6)


@pytest.mark.parametrize("granularity", ["feature", "dimension"])
def test_every_id_matches_the_slow_twin(granularity: str) -> None:
    embedding = make("pep", 200, 5, granularity=granularity)
    num_thresholds = 5 if granularity == "dimension" else 1
    set_thresholds(embedding, [0.01, 0.02, 0.03, 0.04, 0.06][:num_thresholds])
    [table], s = embedding.get_tables(), embedding.embedding.array("s").numpy()
    expected = slow_lookup(table, s, list(range(200)))
    np.testing.assert_allclose(embedding(tf.range(200)), expected, atol=1e-6)
    assert 0 < np.count_nonzero(expected) < expected.size


@pytest.mark.parametrize("vocabulary_size", [10, 10_000])
def test_thresholds_start_at_a_fraction_of_the_largest_initial_value(vocabulary_size: int) -> None:
    embedding = make("pep", vocabulary_size, 4, initial_threshold=0.1)
    expected = 0.1 / math.sqrt(vocabulary_size)
    np.testing.assert_allclose(tf.sigmoid(embedding.embedding.array("s")), expected, rtol=1e-4)


def test_a_loss_that_gains_by_smaller_vectors_raises_the_thresholds() -> None:
    embedding = make("pep", 50, 4, initial_threshold=0.3)
    s = embedding.embedding.array("s")
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(embedding(tf.range(50)) ** 2)
    assert (tape.gradient(loss, s).numpy() < 0).all()


def test_values_below_the_threshold_have_no_gradient() -> None:
    embedding = make("pep", 2, 3, granularity="feature")
    embedding.set_tables([np.array([[9, 9, 9], [0.5, -0.125, -0.75]], np.float32)])
    set_thresholds(embedding, [0.25])
    [table] = embedding.tables.stacks
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(embedding(tf.constant([1])))
    np.testing.assert_array_equal(tape.gradient(loss, table).values, [[1.0, 0.0, 1.0]])


def test_what_is_left_is_served_as_it_is_where_there_is_room() -> None:
    embedding = make("pep", 300, 8, compression_ratio=4.0)
    set_thresholds(embedding, [0.05] * 8)  # of values up to 0.0577
    ids = tf.range(300, dtype=tf.int64)
    served = embedding.served()(ids)
    assert 0 < np.count_nonzero(served) < 0.2 * 300 * 8
    np.testing.assert_array_equal(served, embedding(ids))


def test_the_largest_of_what_is_left_are_served_where_there_is_not() -> None:
    embedding = make("pep", 200, 8, compression_ratio=10.0)
    ids = tf.range(200, dtype=tf.int64)
    trained, served = embedding(ids).numpy(), embedding.served()(ids).numpy()
    # 640 bytes: 4 words of 12 bytes, 14 blocks of 12 bytes for 106 rows, and 106 values.
    kept = served != 0
    assert np.count_nonzero(kept) == 106
    np.testing.assert_array_equal(served[kept], trained[kept])
    assert np.abs(trained[kept]).min() >= np.abs(trained[~kept]).max()


@pytest.mark.parametrize("granularity", ["feature", "dimension"])
def test_parameters_are_table_and_thresholds(granularity: str) -> None:
    embedding = make("pep", 1_000, 8, granularity=granularity).embedding
    assert embedding.num_parameters == 8_000 + (8 if granularity == "dimension" else 1)


def test_served_bytes_are_at_most_those_of_the_ratio() -> None:
    num_bytes = serving_bytes([make("pep", 10_000, 16, compression_ratio=20.0).embedding])
    assert 31_900 < num_bytes <= 32_000

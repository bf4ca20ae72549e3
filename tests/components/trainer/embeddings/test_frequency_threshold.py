import numpy as np
import pytest
import tensorflow as tf

from components.trainer.embeddings.base import serving_bytes
from components.trainer.embeddings.frequency_threshold import FrequencyThreshold
from components.trainer.method_config import SizedConfig
from tests.components.trainer.embeddings.standalone import make


def make_map(vocabulary_size: int, ratio: float) -> FrequencyThreshold:
    return FrequencyThreshold(vocabulary_size, SizedConfig(compression_ratio=ratio))


def slow_map(vocabulary_size: int, ratio: float) -> list[int]:
    """One id at a time: whoever is not among the first `num_rows - 1` ids gets the last row."""
    num_rows = 1
    while num_rows < vocabulary_size / ratio:
        num_rows += 1
    return [i if i < num_rows - 1 else num_rows - 1 for i in range(vocabulary_size)]


def test_rare_ids_share_the_last_row_in_a_case_worked_out_by_hand() -> None:
    # 10 ids at ratio 2.5: 4 rows. Ids 0, 1 and 2 keep theirs; 3 to 9 share the fourth.
    mapped = make_map(10, 2.5)(tf.range(10))
    np.testing.assert_array_equal(mapped, [0, 1, 2, 3, 3, 3, 3, 3, 3, 3])


@pytest.mark.parametrize(
    ("vocabulary_size", "ratio"), [(1, 1.0), (1_000, 4.0), (1_001, 4.0), (17, 1.5), (50, 1e9)]
)
def test_every_id_matches_the_slow_twin(vocabulary_size: int, ratio: float) -> None:
    id_map = make_map(vocabulary_size, ratio)
    expected = slow_map(vocabulary_size, ratio)
    np.testing.assert_array_equal(id_map(tf.range(vocabulary_size)), expected)
    assert id_map.num_ids == max(expected) + 1


@pytest.mark.parametrize("dtype", [tf.int32, tf.int64])
def test_large_ids_keep_their_value_and_type_below_the_threshold(dtype: tf.DType) -> None:
    # ceil((2**31 - 1) / 2) = 2**30 rows: the last one is 2**30 - 1.
    mapped = make_map(2**31 - 1, 2.0)(tf.constant([2**24 + 1, 2**30 - 2, 2**31 - 2], dtype))
    assert mapped.dtype == dtype
    np.testing.assert_array_equal(mapped, [2**24 + 1, 2**30 - 2, 2**30 - 1])


def test_frequent_ids_have_the_vectors_of_a_smaller_full_table() -> None:
    embedding = make("frequency_threshold", 1_000, 8)
    [table] = embedding.get_tables()
    assert table.shape == (250, 8)
    np.testing.assert_array_equal(embedding(tf.range(1_000)), table[slow_map(1_000, 4.0)])


@pytest.mark.parametrize("method", ["hashing", "quotient_remainder"])
def test_a_stack_embeds_the_mapped_ids(method: str) -> None:
    options = {"frequency_threshold": {"compression_ratio": 5.0}}
    stacked = make(f"frequency_threshold + {method}", 1_000, 8, **options)
    alone = make(method, 200, 8)
    mapped = tf.constant(slow_map(1_000, 5.0))
    np.testing.assert_array_equal(stacked(tf.range(1_000)), alone(mapped))


def test_a_stack_counts_the_bytes_of_the_mapped_ids() -> None:
    # 1000 ids at ratio 4 are 250; hashed at ratio 5 they have 50 rows.
    options = {"hashing": {"compression_ratio": 5.0}}
    threshold = {"frequency_threshold": {"compression_ratio": 4.0}}
    stacked = make("frequency_threshold + hashing + int8", 1_000, 8, **options, **threshold)
    alone = make("hashing + int8", 250, 8, **options)
    assert [table.num_rows for table in stacked.embedding.tables] == [50]
    assert serving_bytes([stacked.embedding]) == serving_bytes([alone.embedding])


def test_a_stack_moves_only_the_shared_row_for_rare_ids() -> None:
    embedding = make("frequency_threshold", 100, 4)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(embedding(tf.constant([40, 99, 3])))
    [gradient] = tape.gradient(loss, embedding.trainable_variables)
    np.testing.assert_array_equal(gradient.indices, [24, 24, 3])

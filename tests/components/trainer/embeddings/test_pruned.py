import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from components.trainer.embedding_config import EmbeddingConfig
from components.trainer.embeddings.base import serving_bytes
from components.trainer.embeddings.pruned import Pruned, PrunedConfig
from components.trainer.method_stack import make_stack
from components.trainer.served_tables import ServedTables
from components.trainer.tables import EmbeddingTables
from tests.components.trainer.embeddings.standalone import make


def test_the_schedule_is_cubic_in_a_case_worked_out_by_hand() -> None:
    # From 0.2 to 0.6 in halves of 0.2, then kept: after 0.4, 1 - 0.5**3 = 0.875 of what is cut in
    # the end; after 0.6 all of it, and after 0.8 and 1.0 too.
    pruned = Pruned(PrunedConfig(begin=0.2, end=0.6, num_prunings=4, compression_ratio=2.0))
    assert pruned.maintenance == pytest.approx((0.4, 0.6, 0.8, 1.0))
    assert pruned.settled_from == pytest.approx(0.6)
    values = np.random.default_rng(0).normal(size=(100, 8)).astype(np.float32)
    # 800 values, 1,600 bytes: 13 blocks of 12 bytes, and 361 values. 439 * 0.875 = 384.125.
    zeros = [np.sum(pruned.maintain(p, values) == 0) for p in pruned.maintenance]
    assert zeros == [384, 439, 439, 439]


def test_a_pruning_keeps_the_largest_values_as_they_are() -> None:
    pruned = Pruned(PrunedConfig(compression_ratio=10.0))
    values = np.random.default_rng(0).normal(size=(100, 8)).astype(np.float32)
    after = pruned.maintain(1.0, values)
    kept = after != 0
    np.testing.assert_array_equal(after[kept], values[kept])
    assert np.abs(values[kept]).min() > np.abs(values[~kept]).max()


def test_tables_that_grow_between_the_prunings_end_with_the_served_number_of_values() -> None:
    embedding = make("pruned", 200, 8, compression_ratio=10.0)
    for progress in embedding.tables.maintenance:
        embedding.set_tables([embedding.get_tables()[0] + np.float32(1e-6)])
        embedding.tables.maintain(progress)
    # 640 bytes: 4 words of 12 bytes, 14 blocks of 12 bytes for 106 rows, and 106 values.
    assert np.count_nonzero(embedding.get_tables()[0]) == 106


def test_what_is_pruned_last_is_served_as_it_is() -> None:
    embedding = make("pruned", 300, 8, compression_ratio=5.0)
    embedding.tables.maintain(embedding.tables.maintenance[-1])
    ids = tf.range(300, dtype=tf.int64)
    served = embedding.served()(ids).numpy()
    np.testing.assert_array_equal(served, embedding(ids).numpy())
    assert 0 < np.count_nonzero(served) < 0.2 * served.size


@pytest.mark.parametrize("method", ["pruned", "hashing + pruned", "quotient_remainder + pruned"])
def test_several_features_are_served_in_the_bytes_that_were_said_before(method: str) -> None:
    rngs = [np.random.default_rng(i) for i in range(4)]
    sizes = [700, 1, 90, 3_001]
    embeddings = make_stack(EmbeddingConfig(method=method), sizes, [8, 8, 8, 5], rngs)
    tables = EmbeddingTables(embeddings)
    tables.maintain(1.0)
    served = ServedTables(tables)
    arrays = [variable for encoded in served.encoded for variable in encoded.values()]
    assert sum(a.numpy().nbytes for a in arrays) == serving_bytes(embeddings)
    ids = [tf.constant([0, size // 2, size - 1]) for size in sizes]
    for actual, expected in zip(served(ids), tables(ids), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_a_begin_behind_the_end_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"received begin 0\.7, end 0\.6"):
        PrunedConfig(begin=0.7)

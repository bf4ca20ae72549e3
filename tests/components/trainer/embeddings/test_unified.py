import numpy as np
import pytest
import tensorflow as tf

from components.trainer.embeddings.base import serving_bytes
from components.trainer.embeddings.parts.universal_hash import UniversalHash
from components.trainer.embeddings.unified import Unified, UnifiedConfig
from components.trainer.tables import EmbeddingTables
from tests.components.trainer.embeddings.slow_hash import slow_hash
from tests.components.trainer.embeddings.standalone import make

SIZES = [300, 500, 200]


def make_features(dims: list[int], ratio: float = 4.0, num_lookups: int = 1) -> list[Unified]:
    config = UnifiedConfig(compression_ratio=ratio, num_lookups=num_lookups)
    rngs = [np.random.default_rng(i) for i in range(3)]
    features = Unified.make_all(SIZES, dims, config, rngs)
    assert all(isinstance(feature, Unified) for feature in features)
    return features  # type: ignore[return-value]


@pytest.mark.parametrize("num_lookups", [1, 2, 4])
def test_every_id_of_every_feature_matches_the_slow_twin(num_lookups: int) -> None:
    """Coleman et al. 2023, one id at a time."""
    features = make_features([8, 8, 8], num_lookups=num_lookups)
    tables = EmbeddingTables(features)
    ids = np.arange(200)
    vectors = tables([tf.constant(ids)] * 3)
    [memory] = [stack.numpy() for stack in tables.stacks]
    for feature, of_feature in zip(features, vectors, strict=True):
        expected = [
            np.concatenate([memory[slow_hash(function, i)] for function in feature._hashes])
            for i in ids.tolist()
        ]
        np.testing.assert_array_equal(of_feature, expected)


def test_vector_sets_rows_side_by_side_in_a_case_worked_out_by_hand() -> None:
    # 4 ids at ratio 2, two rows of half the width each: 2 * 4 / 2 = 4 rows.
    # h_1(3) = (3 + 2) mod 4 = 1, h_2(3) = 2 * 3 mod 4 = 2.
    embedding = make("unified", 4, 4, num_lookups=2, compression_ratio=2.0)
    method = embedding.embedding
    assert isinstance(method, Unified)
    method._hashes = [UniversalHash(1, 2, 4), UniversalHash(2, 0, 4)]
    embedding.set_tables([np.array([[1, 2], [3, 4], [5, 6], [7, 8]], np.float32)])
    np.testing.assert_array_equal(embedding(tf.constant([3])), [[3, 4, 5, 6]])


def test_features_share_one_table_of_the_size_of_all() -> None:
    features = make_features([8, 8, 8])
    assert len({id(feature.tables[0]) for feature in features}) == 1
    # (300 + 500 + 200) / 4 rows, once.
    assert [stack.shape for stack in EmbeddingTables(features).stacks] == [(250, 8)]
    assert serving_bytes(features) == 250 * 8 * 4


def test_features_of_another_width_share_another_table() -> None:
    first, second, third = make_features([8, 4, 8])
    assert first.tables[0] is third.tables[0]
    assert first.tables[0].num_rows == 125
    assert (second.tables[0].num_rows, second.tables[0].width) == (125, 4)


def test_several_lookups_take_no_more_bytes() -> None:
    assert serving_bytes(make_features([8, 8, 8], num_lookups=4)) == 250 * 8 * 4


def test_same_id_of_two_features_has_two_vectors() -> None:
    tables = EmbeddingTables(make_features([8, 8, 8]))
    first, second, _ = (v.numpy() for v in tables([tf.range(200)] * 3))
    assert (first == second).all(axis=1).mean() < 0.05


def test_training_one_feature_moves_the_table_of_the_other() -> None:
    features = make_features([8, 8, 8], ratio=500.0)
    tables = EmbeddingTables(features)
    assert tables.stacks[0].shape == (2, 8)
    tables.assign(features[0], [np.ones((2, 8), np.float32)])
    for of_feature in tables([tf.range(10)] * 3):
        np.testing.assert_array_equal(of_feature, np.ones((10, 8)))


def test_table_starts_as_one_full_table_of_all_ids() -> None:
    [stack] = EmbeddingTables(make_features([8, 8, 8])).stacks
    # +-1/sqrt(1000).
    assert np.abs(stack.numpy()).max() <= 0.0317
    assert stack.numpy().std() == pytest.approx(0.0316 / np.sqrt(3), rel=0.05)


def test_lookups_that_do_not_divide_the_width_are_refused() -> None:
    with pytest.raises(ValueError, match="num_lookups 3 must divide embedding_dim; received 8"):
        make_features([8, 8, 8], num_lookups=3)

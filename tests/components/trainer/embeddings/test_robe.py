import numpy as np
import pytest
import tensorflow as tf

from components.trainer.embeddings.base import serving_bytes
from components.trainer.embeddings.parts.universal_hash import UniversalHash
from components.trainer.embeddings.robe import Robe, RobeConfig
from components.trainer.tables import EmbeddingTables
from tests.components.trainer.embeddings.slow_hash import slow_hash
from tests.components.trainer.embeddings.standalone import make


def slow_vector(method: Robe, memory: np.ndarray, vocabulary_id: int) -> list[float]:
    """Desai et al. 2022, ROBE-Z, one weight at a time."""
    config = method.options
    assert isinstance(config, RobeConfig)
    width = min(config.block_width, method.embedding_dim)
    vector = []
    for i in range(method.embedding_dim):
        start = slow_hash(method._row_hashes[i // width], vocabulary_id) * width
        if not config.aligned:
            start += slow_hash(method._offset_hashes[i // width], vocabulary_id)
        vector.append(memory[(start + i % width) % len(memory)])
    return vector


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize(
    ("block_width", "dim"), [(16, 8), (8, 8), (4, 8), (3, 8), (1, 8), (5, 7), (16, 1)]
)
def test_every_id_matches_the_slow_twin(block_width: int, dim: int, aligned: bool) -> None:
    embedding = make("robe", 211, dim, block_width=block_width, aligned=aligned)
    method = embedding.embedding
    assert isinstance(method, Robe)
    [table] = embedding.get_tables()
    expected = [slow_vector(method, table.reshape(-1), i) for i in range(211)]
    np.testing.assert_array_equal(embedding(tf.range(211)), expected)


def test_block_goes_on_at_the_start_of_the_array_in_a_case_worked_out_by_hand() -> None:
    # 6 ids of width 6 at ratio 3: 12 weights, 3 rows of 4. Block 0 of id 0 begins in row 2 at 3,
    # the last weight: 11, then 0, 1, 2. Block 1 begins in row 0 at 1, and two weights of it count.
    embedding = make("robe", 6, 6, block_width=4, compression_ratio=3.0)
    method = embedding.embedding
    assert isinstance(method, Robe)
    method._row_hashes = [UniversalHash(1, 2, 3), UniversalHash(1, 0, 3)]
    method._offset_hashes = [UniversalHash(1, 3, 4), UniversalHash(1, 1, 4)]
    embedding.set_tables([np.arange(12, dtype=np.float32).reshape(3, 4)])
    np.testing.assert_array_equal(embedding(tf.constant([0])), [[11, 0, 1, 2, 1, 2]])


@pytest.mark.parametrize("block_width", [1, 3, 8, 16])
def test_gradient_arrives_at_the_weights_that_were_read(block_width: int) -> None:
    embedding = make("robe", 50, 8, block_width=block_width)
    method = embedding.embedding
    assert isinstance(method, Robe)
    upstream = np.arange(1, 9, dtype=np.float32)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(embedding(tf.constant([17])) * upstream)
    [stack] = embedding.tables.stacks
    gradient = tf.convert_to_tensor(tape.gradient(loss, stack)).numpy().reshape(-1)
    places = slow_vector(method, np.arange(len(gradient)), 17)
    expected = np.zeros(len(gradient))
    np.add.at(expected, places, upstream)
    np.testing.assert_allclose(gradient, expected)


def test_features_share_one_array_of_the_size_of_all() -> None:
    config = RobeConfig(compression_ratio=4.0, block_width=8)
    rngs = [np.random.default_rng(i) for i in range(2)]
    features = Robe.make_all([300, 701], [16, 16], config, rngs)
    assert features[0].tables[0] is features[1].tables[0]
    # 1001 * 16 / 4 = 4004 weights: 501 rows of 8.
    assert serving_bytes(features) == 501 * 8 * 4
    first, second = (v.numpy() for v in EmbeddingTables(features)([tf.range(300)] * 2))
    assert (first == second).all(axis=1).mean() < 0.05


def test_unaligned_blocks_begin_at_any_weight() -> None:
    embedding = make("robe", 2_000, 4, block_width=4, compression_ratio=200.0)
    # 10 rows of 4 weights: 40 places, 10 of them aligned.
    assert len(np.unique(embedding(tf.range(2_000)).numpy(), axis=0)) == 40


def test_aligned_blocks_take_half_of_the_lookups() -> None:
    lookups = [
        make("robe", 100, 8, block_width=4, aligned=aligned).embedding.tables[0].num_lookups
        for aligned in (False, True)
    ]
    assert lookups == [4, 2]


def test_array_of_one_row_is_circular_too() -> None:
    embedding = make("robe", 100, 4, compression_ratio=1e9)
    [table] = embedding.get_tables()
    assert table.shape == (1, 4)
    rotations = {tuple(np.roll(table[0], -shift)) for shift in range(4)}
    assert {tuple(vector) for vector in embedding(tf.range(100)).numpy()} == rotations

import numpy as np
import pytest
import tensorflow as tf

from components.trainer.embeddings.base import serving_bytes
from components.trainer.embeddings.clustered_compositional import (
    ClusteredCompositional,
    ClusteredCompositionalConfig,
)
from tests.components.trainer.embeddings.standalone import Standalone, make

PRIME = 2**31 - 1


def sized(
    vocabulary_size: int, dim: int, ratio: float, num_columns: int = 4
) -> ClusteredCompositional:
    config = ClusteredCompositionalConfig(compression_ratio=ratio, num_columns=num_columns)
    return ClusteredCompositional(vocabulary_size, dim, config, np.random.default_rng(0))


def slow_vector(embedding: Standalone, i: int) -> np.ndarray:
    """The two rows of one column after the other; only where each id has pointers of its own."""
    method = embedding.embedding
    pointers, hashes = (method.array(name).numpy() for name in ("pointers", "hashes"))
    assert len(pointers) == method.vocabulary_size
    [table] = embedding.get_tables()
    num_columns = pointers.shape[1]
    tables = np.split(table, 2 * num_columns)
    columns = []
    for column in range(num_columns):
        multiplier, offset = map(int, hashes[:, column])
        bucket = (multiplier * i + offset) % PRIME % len(tables[0])
        columns.append(tables[column][pointers[i, column]] + tables[num_columns + column][bucket])
    return np.concatenate(columns)[: method.embedding_dim]


def test_vector_is_the_sum_of_two_rows_in_a_case_worked_out_by_hand() -> None:
    # 10 ids, 2 columns of width 1: 80 bytes - 32 of the hashes = 3 units of 16. 2 units would be
    # 32 bytes for rows, 1 unit for 8 slots of 2 bytes: slots 0 to 3 are the ids 0 to 3.
    embedding = make("clustered_compositional", 10, 2, compression_ratio=1.0, num_columns=2)
    method = embedding.embedding
    pointers = np.zeros((8, 2), np.uint8)
    pointers[3] = [1, 0]
    method.array("pointers").assign(pointers)
    # Id 3: (5 * 3 + 1) % 2 = 0 and (2 * 3 + 7) % 2 = 1.
    method.array("hashes").assign([[5, 2], [1, 7]])
    values = np.array([1, 2, 3, 4, 10, 20, 30, 40], np.float32)[:, None]
    embedding.set_tables([values])
    # Column 0: row 1 of [1 2] and row 0 of [10 20]. Column 1: row 0 of [3 4], row 1 of [30 40].
    np.testing.assert_array_equal(embedding(tf.constant([3])), [[2 + 10, 3 + 40]])


@pytest.mark.parametrize(("dim", "num_columns"), [(8, 4), (7, 4), (5, 1), (3, 8)])
def test_every_id_matches_the_slow_twin(dim: int, num_columns: int) -> None:
    embedding = make(
        "clustered_compositional", 300, dim, compression_ratio=1.5, num_columns=num_columns
    )
    expected = [slow_vector(embedding, i) for i in range(300)]
    np.testing.assert_array_equal(embedding(tf.range(300)), expected)


def test_every_id_matches_the_slow_twin_after_a_clustering() -> None:
    embedding = make("clustered_compositional", 300, 8, compression_ratio=1.5)
    embedding.tables.maintain(0.25)
    expected = [slow_vector(embedding, i) for i in range(300)]
    np.testing.assert_array_equal(embedding(tf.range(300)), expected)


def test_clusterings_lie_in_the_first_half_of_the_training() -> None:
    config = ClusteredCompositionalConfig(num_clusterings=3)
    method = ClusteredCompositional(100, 8, config, np.random.default_rng(0))
    assert method.maintenance == pytest.approx((1 / 6, 1 / 3, 1 / 2))


def test_ids_of_three_kinds_share_three_rows_after_a_clustering() -> None:
    """1 column of width 2; the pointers make three kinds of slots."""
    embedding = make("clustered_compositional", 12, 2, compression_ratio=1.0, num_columns=1)
    method = embedding.embedding
    num_rows = method.tables[0].num_rows // 2
    num_slots = method.array("pointers").shape[0]
    assert num_rows >= 3
    kinds = np.arange(num_slots) % 3
    method.array("pointers").assign(kinds[:, None].astype(np.uint8))
    values = np.zeros((2 * num_rows, 2), np.float32)
    values[:3] = [[1, 1], [5, 0], [0, 9]]
    embedding.set_tables([values])
    before = embedding(tf.range(12)).numpy()
    embedding.tables.maintain(0.25)
    np.testing.assert_allclose(embedding(tf.range(12)), before, atol=1e-6)
    [after] = embedding.get_tables()
    np.testing.assert_array_equal(after[num_rows:], np.zeros((num_rows, 2)))
    pointers = method.array("pointers").numpy()[:, 0]
    assert [len(set(pointers[kinds == kind])) for kind in range(3)] == [1, 1, 1]


def test_clustering_draws_new_hashes() -> None:
    embedding = make("clustered_compositional", 50, 8)
    hashes = embedding.embedding.array("hashes")
    before = hashes.numpy()
    embedding.tables.maintain(0.25)
    between = hashes.numpy()
    embedding.tables.maintain(0.5)
    assert (before != between).any(axis=0).all()
    assert (between != hashes.numpy()).any(axis=0).all()


def test_clustering_is_closer_to_the_vectors_than_a_random_choice_of_rows() -> None:
    embedding = make("clustered_compositional", 1_000, 8, compression_ratio=3.0, num_columns=2)
    ids = tf.range(1_000)
    before = embedding(ids).numpy()
    embedding.tables.maintain(0.25)
    after = embedding(ids).numpy()
    error = np.mean((after - before) ** 2) / np.var(before)
    # A random centroid would give 2. About 100 centroids in 4 dimensions leave a tenth.
    assert error < 0.15


def test_equal_seeds_cluster_equally() -> None:
    vectors = []
    for _ in range(2):
        embedding = make("clustered_compositional", 500, 8, num_columns=1)
        embedding.tables.maintain(0.25)
        vectors.append(embedding(tf.range(500)).numpy())
    np.testing.assert_array_equal(vectors[0], vectors[1])


def test_frequent_ids_have_slots_of_their_own() -> None:
    method = sized(10_000, 16, 20.0)
    method.make_arrays()
    num_slots = method.arrays[0].shape[0]
    # 32000 - 64 bytes are 249 units of 128; 125 are rows, 124 the slots of 4 bytes.
    assert num_slots == 124 * 32
    rows = method.rows(tf.range(10_000))[0].numpy()
    frequent, rare = (np.unique(r, axis=0) for r in np.split(rows, [num_slots // 2]))
    assert len(frequent) == num_slots // 2
    # 8016 ids hashed to 1984 slots leave a share of exp(-8016 / 1984) of them empty: 35.
    assert num_slots // 2 - 80 < len(rare) <= num_slots // 2
    assert len(np.unique(rows, axis=0)) == len(frequent) + len(rare)


@pytest.mark.parametrize(
    ("ratio", "pointer_type", "num_rows", "num_slots"),
    [
        # 16 wide in 4 columns: 64 bytes for hashes, units of 128. 6,400,000 bytes in full.
        # 49999 units; uint16 pointers of all ids take 6250, uint8 ones 3125.
        (1.0, tf.uint16, 43_749, 100_000),
        # 4999 units, half is 2500: uint16 pointers have 2499 * 128 / 8.
        (10.0, tf.uint16, 2_500, 39_984),
        # 499 units, half is 250: uint8 pointers have 249 * 128 / 4.
        (100.0, tf.uint8, 250, 7_968),
        (1e9, tf.uint8, 1, 1),
    ],
)
def test_compression_ratio_gives_rows_and_slots(
    ratio: float, pointer_type: tf.DType, num_rows: int, num_slots: int
) -> None:
    method = sized(100_000, 16, ratio)
    [table] = method.tables
    assert (table.num_rows, table.width) == (8 * num_rows, 4)
    assert method.arrays[0].shape == (num_slots, 4)
    assert method.arrays[0].dtype == pointer_type


@pytest.mark.parametrize("vocabulary_size", [1, 10, 300, 1_001, 3_000_000, 2**31 - 1])
@pytest.mark.parametrize("dim", [1, 13, 16])
def test_larger_ratio_never_gives_more_bytes(vocabulary_size: int, dim: int) -> None:
    ratios = np.geomspace(1, 1e9, 150)
    sizes = [serving_bytes([sized(vocabulary_size, dim, r)]) for r in ratios]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("ratio", [2.0, 4.0, 30.0, 500.0])
def test_bytes_of_a_large_table_are_those_asked_for(ratio: float) -> None:
    goal = 1_000_000 * 16 * 4 / ratio
    assert serving_bytes([sized(1_000_000, 16, ratio)]) == pytest.approx(goal, rel=0.01)

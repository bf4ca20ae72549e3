import numpy as np
import tensorflow as tf

from components.trainer.embeddings.parts.universal_hash import PRIME, UniversalHash, hash_all


def test_buckets_match_a_case_worked_out_by_hand() -> None:
    # 10 * 3 + 4 = 34, 34 mod 7 = 6. (2**31 - 2) * 2 + 0 mod (2**31 - 1) = 2**31 - 3.
    assert UniversalHash(10, 4, 7)(tf.constant([3])).numpy().tolist() == [6]
    buckets = UniversalHash(2, 0, 7)(tf.constant([2**31 - 2]))
    assert buckets.numpy().tolist() == [(2**31 - 3) % 7]


def test_buckets_match_exact_python_integers_at_the_largest_values() -> None:
    rng = np.random.default_rng(0)
    ids = [0, 1, 2**24 + 1, PRIME - 1, *rng.integers(0, PRIME, 500).tolist()]
    multiplier, offset, num_buckets = PRIME - 1, PRIME - 2, 1_000_003
    expected = [(multiplier * i + offset) % PRIME % num_buckets for i in ids]
    function = UniversalHash(multiplier, offset, num_buckets)
    assert function(tf.constant(ids, tf.int64)).numpy().tolist() == expected


def test_pairs_collide_about_once_in_num_buckets() -> None:
    buckets = UniversalHash(48_271, 11, 5_000)(tf.range(20_000)).numpy()
    loads = np.bincount(buckets, minlength=5_000)
    assert loads.mean() == 4
    assert loads.max() < 30
    assert (loads == 0).mean() < 0.1


def test_several_functions_at_once_give_what_each_gives() -> None:
    rng = np.random.default_rng(0)
    functions = [UniversalHash.draw(101, rng) for _ in range(3)]
    ids = tf.constant([0, 1, 2**24 + 1, PRIME - 1])
    together = hash_all(functions, ids).numpy()
    for column, function in zip(together.T, functions, strict=True):
        np.testing.assert_array_equal(column, function(ids))

import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from components.trainer.embeddings.hashing import PRIME, Hashing, HashingConfig, hashed_rows
from tests.components.trainer.embeddings.standalone import Standalone


def test_rows_match_a_case_worked_out_by_hand() -> None:
    # 10 * 3 + 4 = 34, 34 mod 7 = 6. (2**31 - 2) * 2 + 0 mod (2**31 - 1) = 2**31 - 3, mod 7 = 6.
    assert hashed_rows(tf.constant([3]), 10, 4, 7).numpy().tolist() == [6]
    assert hashed_rows(tf.constant([2**31 - 2]), 2, 0, 7).numpy().tolist() == [(2**31 - 3) % 7]


def test_rows_match_exact_python_integers_at_the_largest_values() -> None:
    rng = np.random.default_rng(0)
    ids = [0, 1, 2**24 + 1, PRIME - 1, *rng.integers(0, PRIME, 500).tolist()]
    multiplier, offset, num_buckets = PRIME - 1, PRIME - 2, 1_000_003
    expected = [(multiplier * i + offset) % PRIME % num_buckets for i in ids]
    rows = hashed_rows(tf.constant(ids, tf.int64), multiplier, offset, num_buckets)
    assert rows.numpy().tolist() == expected


def test_pairs_collide_about_once_in_num_buckets() -> None:
    rows = hashed_rows(tf.range(20_000), 48_271, 11, 5_000).numpy()
    loads = np.bincount(rows, minlength=5_000)
    assert loads.mean() == 4
    assert loads.max() < 30
    assert (loads == 0).mean() < 0.1


@pytest.mark.parametrize(
    ("vocabulary_size", "ratio", "num_rows"), [(1000, 4.0, 250), (1001, 4.0, 251), (10, 2.5, 4)]
)
def test_num_parameters_is_rows_times_width(
    vocabulary_size: int, ratio: float, num_rows: int
) -> None:
    config = HashingConfig(compression_ratio=ratio)
    hashing = Hashing(vocabulary_size, 8, config, np.random.default_rng(0))
    assert hashing.num_parameters == num_rows * 8


def test_two_features_have_different_collisions() -> None:
    rng = np.random.default_rng(0)
    first, second = (Standalone(Hashing(100, 4, HashingConfig(), rng)) for _ in range(2))
    groups = []
    for hashing in (first, second):
        vectors = hashing(tf.range(100)).numpy()
        groups.append((vectors[:, None] == vectors[None]).all(axis=2))
    assert not np.array_equal(groups[0], groups[1])


def test_ratio_of_one_is_refused() -> None:
    with pytest.raises(ValidationError, match="compression_ratio"):
        HashingConfig(compression_ratio=1.0)

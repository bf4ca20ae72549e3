"""The size and the balance of dataset versions."""

import pickle
import random

import numpy as np
import pytest

from components.errors import InputError
from components.example_gen.config import SplitConfig
from components.example_gen.dataset_version import (
    NUM_BUCKETS,
    BucketCounts,
    DatasetVersion,
    choose_version,
)
from components.example_gen.hashing import NEGATIVES, VERSION, sample_hash
from components.example_gen.split import is_eval_by_hash
from tests.components.example_gen.small_log import slow_mix


def _log(num_rows: int, num_clicks: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns checksums, labels and bytes of rows."""
    generator = np.random.default_rng(seed)
    labels = np.zeros(num_rows, np.int64)
    labels[generator.choice(num_rows, num_clicks, replace=False)] = 1
    checksums = generator.integers(0, 2**32, num_rows, dtype=np.uint32)
    return checksums, labels, generator.integers(100, 400, num_rows)


def _counts(checksums: np.ndarray, labels: np.ndarray, num_bytes: np.ndarray) -> BucketCounts:
    counts = BucketCounts()
    counts.add_rows(checksums, labels, num_bytes, sample_seed=5)
    return counts


def _slow_bucket(checksum: int, sample_seed: int) -> int:
    return slow_mix(checksum + slow_mix(VERSION << 32 | sample_seed)) >> 44


def _best_size(
    checksums: np.ndarray, labels: np.ndarray, num_bytes: np.ndarray, size_bytes: float
) -> int:
    """Tries all pairs of thresholds; returns the bytes of the largest allowed version."""
    rows: list[list[tuple[int, int]]] = [[], []]
    for checksum, label, size in zip(checksums, labels, num_bytes, strict=True):
        rows[label].append((_slow_bucket(int(checksum), 5), int(size)))
    share, best = sum(labels) / len(labels), 0
    prefixes = [[0], [0]]
    for label in (0, 1):
        for _, size in sorted(rows[label]):
            prefixes[label].append(prefixes[label][-1] + size)
    for negatives, negative_bytes in enumerate(prefixes[0]):
        for clicks, click_bytes in enumerate(prefixes[1]):
            size, taken = negative_bytes + click_bytes, negatives + clicks
            if taken and size <= size_bytes and abs(clicks / taken - share) <= 0.001:
                best = max(best, size)
    return best


@pytest.mark.parametrize("size_megabytes", [0.02, 0.0345, 0.06, 0.07])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_version_is_the_largest_that_the_slow_twin_finds(size_megabytes, seed):
    # 307 is prime: no share of fewer rows lies on the edge of what is allowed.
    log = _log(307, 40, seed)
    version = choose_version(_counts(*log), size_megabytes, sample_seed=5)
    taken = version.contains(log[0], log[1])
    assert log[2][taken].sum() == _best_size(*log, size_megabytes * 1e6)


@pytest.mark.parametrize("num_clicks", [0, 3, 2_000, 19_990, 20_000])
def test_version_of_a_larger_log_keeps_size_and_share(num_clicks):
    checksums, labels, num_bytes = _log(20_000, num_clicks, seed=3)
    version = choose_version(_counts(checksums, labels, num_bytes), 0.5, sample_seed=5)
    taken = version.contains(checksums, labels)
    assert 500_000 - 400 <= num_bytes[taken].sum() <= 500_000
    assert abs(labels[taken].mean() - num_clicks / 20_000) <= 0.001


def test_version_of_the_whole_size_takes_every_row():
    log = _log(100, 20, seed=4)
    version = choose_version(_counts(*log), log[2].sum() / 1e6, sample_seed=5)
    assert version.contains(log[0], log[1]).all()


def test_version_above_the_log_fails_with_the_size_of_the_log():
    checksums, labels, _ = _log(100, 20, seed=4)
    counts = _counts(checksums, labels, np.full(100, 250))
    with pytest.raises(InputError, match=r"is 0\.03, but the log has only 0\.025 megabytes in 100"):
        choose_version(counts, 0.03, sample_seed=5)


def test_version_of_too_few_rows_fails_with_the_share():
    with pytest.raises(InputError, match=r"20\.00% of clicks .* give a larger size"):
        choose_version(_counts(*_log(100, 20, seed=4)), 0.0004, sample_seed=5)


def test_version_keeps_equal_lines_together():
    checksums, labels, num_bytes = (np.repeat(part, 3) for part in _log(500, 100, seed=6))
    version = choose_version(_counts(checksums, labels, num_bytes), 0.1, sample_seed=5)
    taken = version.contains(checksums, labels).reshape(-1, 3)
    assert 0 < taken.sum() < taken.size
    assert (taken.min(axis=1) == taken.max(axis=1)).all()


def test_buckets_below_the_threshold_of_the_label_are_taken():
    checksums, labels, _ = _log(300, 150, seed=7)
    thresholds = (NUM_BUCKETS // 4, NUM_BUCKETS // 2)
    expected = [
        _slow_bucket(int(checksum), 9) < thresholds[label]
        for checksum, label in zip(checksums, labels, strict=True)
    ]
    assert DatasetVersion(9, thresholds).contains(checksums, labels).tolist() == expected


def test_bucket_counts_are_those_of_a_slow_twin_in_any_division():
    checksums, labels, num_bytes = _log(400, 90, seed=8)
    checksums[200:] = checksums[:200]
    expected = np.zeros((2, NUM_BUCKETS), np.int64), np.zeros((2, NUM_BUCKETS), np.int64)
    for row in range(400):
        bucket = _slow_bucket(int(checksums[row]), 5)
        expected[0][labels[row], bucket] += 1
        expected[1][labels[row], bucket] += num_bytes[row]
    counts = BucketCounts()
    for start, end in ((0, 0), (0, 150), (150, 400)):
        part = _counts(checksums[start:end], labels[start:end], num_bytes[start:end])
        counts.add(*pickle.loads(pickle.dumps(part)).filled())
    np.testing.assert_array_equal(counts.num_rows, expected[0])
    np.testing.assert_array_equal(counts.num_bytes, expected[1])


def test_versions_negatives_and_split_are_independent_with_equal_seeds():
    checksums = np.arange(40_000, dtype=np.uint32)
    halves = [
        sample_hash(checksums, VERSION, 3) < 2**63,
        sample_hash(checksums, NEGATIVES, 3) < 2**63,
        sample_hash(checksums, VERSION, 4) < 2**63,
        is_eval_by_hash(checksums, SplitConfig(eval_fraction=0.5, seed=3)),
    ]
    for first in range(4):
        for second in range(first):
            # Six standard deviations of a share of 40,000 independent rows: 0.015.
            assert abs((halves[first] == halves[second]).mean() - 0.5) < 0.015


def test_sample_hash_stays_as_it_was_released():
    checksums = [random.Random(seed).getrandbits(32) for seed in range(20)]
    expected = [slow_mix(c + slow_mix(NEGATIVES << 32 | 77)) for c in checksums]
    assert sample_hash(np.array(checksums, np.uint32), NEGATIVES, 77).tolist() == expected

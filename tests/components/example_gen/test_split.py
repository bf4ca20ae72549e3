"""The split of rows by each method."""

import zlib

import numpy as np
import pytest

from components.errors import InputError
from components.example_gen.config import SplitConfig
from components.example_gen.split import (
    FirstEvalRow,
    find_eval_files,
    find_first_eval_row,
    find_first_eval_time,
    is_eval_by_hash,
    num_eval_buckets,
)
from tests.components.example_gen.small_log import lines, slow_is_eval

LINES = lines(4000)
CHECKSUMS = np.array([zlib.crc32(line) for line in LINES], np.uint32)
PATHS = ["/logs/day_2.tsv", "/logs/day_9.tsv", "/logs/day_10.tsv"]


def _by_hash(eval_fraction: float, seed: int = 0) -> np.ndarray:
    return is_eval_by_hash(CHECKSUMS, SplitConfig(eval_fraction=eval_fraction, seed=seed))


@pytest.mark.parametrize("eval_fraction", [0.05, 0.2, 0.5])
def test_hash_takes_the_asked_fraction(eval_fraction):
    share = _by_hash(eval_fraction).mean()
    # Four standard deviations of a binomial share of 4,000 rows.
    assert abs(share - eval_fraction) < 4 * np.sqrt(eval_fraction * (1 - eval_fraction) / 4000)


def test_hash_of_a_smaller_fraction_is_a_subset():
    assert (_by_hash(0.1) & ~_by_hash(0.3)).sum() == 0


def test_hash_of_another_seed_is_independent():
    assert 0.45 < (_by_hash(0.5, seed=0) == _by_hash(0.5, seed=1)).mean() < 0.55


def test_hash_stays_as_it_was_released():
    # By the formula in Python integers: a change would move rows between splits.
    expected = [slow_is_eval(line, 0.25, seed=7) for line in LINES[:200]]
    assert _by_hash(0.25, seed=7)[:200].tolist() == expected


def test_hash_of_no_row_is_empty():
    assert is_eval_by_hash(np.empty(0, np.uint32), SplitConfig()).shape == (0,)


def test_num_eval_buckets_rounds_to_the_nearest():
    assert num_eval_buckets(SplitConfig(eval_fraction=0.29)) == 2900


@pytest.mark.parametrize(
    ("eval_fraction", "expected"),
    [
        (0.3, FirstEvalRow(1, 0, 1)),  # 3 of 10 rows: the last of (1, 0) and both of (1, 2)
        (0.2, FirstEvalRow(1, 2, 0)),
        (0.6, FirstEvalRow(0, 1, 0)),
        (0.5, FirstEvalRow(0, 1, 1)),
        (0.01, FirstEvalRow(1, 2, 2)),  # rounds to no row
    ],
)
def test_first_eval_row_leaves_the_asked_rows_behind_it(eval_fraction, expected):
    num_rows = [(0, 0, 4), (0, 1, 2), (1, 0, 2), (1, 1, 0), (1, 2, 2)]
    assert find_first_eval_row(num_rows, eval_fraction) == expected


@pytest.mark.parametrize(
    ("eval_fraction", "expected"),
    [
        (0.1, 40),  # exactly 10 of 100 rows
        (0.24, 40),  # 10 rows are nearer to 24 than 40
        (0.26, 30),  # 40 rows are nearer to 26 than 10
        (0.25, 40),  # equally near: the smaller share
        (0.99, 20),  # never all rows
        (0.01, 40),  # never no row
    ],
)
def test_first_eval_time_comes_nearest_and_keeps_equal_times_together(eval_fraction, expected):
    times, counts = np.array([10, 20, 30, 40]), np.array([40, 20, 30, 10])
    assert find_first_eval_time(times, counts, eval_fraction) == expected


def test_first_eval_time_of_one_time_fails_with_it():
    with pytest.raises(InputError, match=r"all 7 rows have the time 15\. Choose another method"):
        find_first_eval_time(np.array([15]), np.array([7]), 0.2)


def test_last_files_are_the_last_in_the_given_order():
    config = SplitConfig(method="last_files", num_eval_files=2)
    assert find_eval_files(config, PATHS, [0, 0, 0]) == {1, 2}


def test_last_files_that_leave_none_fail_with_the_files():
    config = SplitConfig(method="last_files", num_eval_files=3)
    with pytest.raises(InputError, match=r"is 3, but .* 3 files \(day_2\.tsv, day_9\.tsv, day_10"):
        find_eval_files(config, PATHS, [0, 0, 0])


def test_last_span_takes_all_files_of_the_newest():
    assert find_eval_files(SplitConfig(method="last_span"), PATHS, [8, 9, 9]) == {1, 2}


def test_last_span_of_one_span_fails():
    with pytest.raises(InputError, match="at least two spans"):
        find_eval_files(SplitConfig(method="last_span"), PATHS, [8, 8, 8])


def test_given_files_are_found_by_their_last_part():
    config = SplitConfig(method="given", eval_files="day_1*")
    assert find_eval_files(config, PATHS, [0, 0, 0]) == {2}


@pytest.mark.parametrize(("pattern", "count"), [("logs*", "none"), ("*.tsv", "all")])
def test_given_files_that_are_none_or_all_fail(pattern, count):
    config = SplitConfig(method="given", eval_files=pattern)
    with pytest.raises(InputError, match=rf"matches {count} of the 3 files \(day_2\.tsv"):
        find_eval_files(config, PATHS, [0, 0, 0])

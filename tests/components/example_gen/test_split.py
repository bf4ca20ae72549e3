"""The split by content."""

import zlib

import numpy as np
import pytest

from components.example_gen.config import ExampleGenConfig
from components.example_gen.split import is_eval, num_eval_buckets
from tests.components.example_gen.click_log_lines import valid_lines

LINES = valid_lines(4000)


@pytest.mark.parametrize("eval_fraction", [0.05, 0.2, 0.5])
def test_is_eval_takes_the_asked_fraction(eval_fraction):
    share = is_eval(LINES, ExampleGenConfig(eval_fraction=eval_fraction)).mean()
    # Four standard deviations of a binomial share of 4,000 rows.
    assert abs(share - eval_fraction) < 4 * np.sqrt(eval_fraction * (1 - eval_fraction) / 4000)


def test_is_eval_depends_on_the_line_alone():
    config = ExampleGenConfig()
    together = is_eval(LINES[:50], config)
    assert together.tolist() == [is_eval([line], config)[0] for line in LINES[:50]]
    assert is_eval([LINES[0]] * 5, config).tolist() == [together[0]] * 5


def test_is_eval_of_a_smaller_fraction_is_a_subset():
    small = is_eval(LINES, ExampleGenConfig(eval_fraction=0.1))
    large = is_eval(LINES, ExampleGenConfig(eval_fraction=0.3))
    assert (small & ~large).sum() == 0


def test_is_eval_of_another_seed_is_independent():
    first = is_eval(LINES, ExampleGenConfig(eval_fraction=0.5, split_seed=0))
    second = is_eval(LINES, ExampleGenConfig(eval_fraction=0.5, split_seed=1))
    assert 0.45 < (first == second).mean() < 0.55


def test_is_eval_stays_as_it_was_released():
    # Worked out by the formula in Python integers: a change would move rows between splits.
    expected = []
    for line in LINES[:200]:
        mixed = (zlib.crc32(line) + 8 * 0x9E3779B97F4A7C15) % 2**64
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB % 2**64
        expected.append((mixed ^ (mixed >> 31)) % 10_000 < 2_500)
    config = ExampleGenConfig(eval_fraction=0.25, split_seed=7)
    assert is_eval(LINES[:200], config).tolist() == expected


def test_is_eval_of_no_line_is_empty():
    assert is_eval([], ExampleGenConfig()).shape == (0,)


def test_num_eval_buckets_rounds_to_the_nearest():
    assert num_eval_buckets(ExampleGenConfig(eval_fraction=0.29)) == 2900

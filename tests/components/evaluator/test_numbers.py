import pytest

from components.evaluator.measures import find_measure
from components.evaluator.metric_result import Estimate
from components.evaluator.numbers import (
    difference_text,
    interval_text,
    measured_text,
    p_value_text,
    range_text,
    rows_text,
    size_change,
    value_text,
)
from components.quantities import bytes_text, significant


def estimate(value: float, half: float) -> Estimate:
    return Estimate(value=value, standard_error=half / 1.96, low=value - half, high=value + half)


def test_value_text_shows_half_the_width_of_the_interval():
    assert value_text(estimate(0.79657, 0.0061)) == "0.7966 ±0.0061"


def test_value_text_that_rounds_to_zero_has_no_minus():
    assert value_text(estimate(-0.00001, 0.0004)) == "0.0000 ±0.0004"


@pytest.mark.parametrize(
    ("value", "half", "text"),
    [(0.0012, 0.0009, "+0.0012 ±0.0009"), (-0.0000123, 0.0000034, "-0.000012 ±0.000003")],
)
def test_difference_text_shows_a_digit_of_its_interval(value, half, text):
    assert difference_text(estimate(value, half)) == text


def test_difference_text_that_rounds_to_zero_has_no_minus():
    assert difference_text(estimate(-0.00001, 0.0004)) == "+0.0000 ±0.0004"


def test_difference_text_of_equal_models():
    assert difference_text(estimate(0.0, 0.0)) == "+0.0000 ±0.0000"


def test_interval_text_shows_both_ends():
    assert interval_text(estimate(-0.0009, 0.0011)) == "-0.0020 to +0.0002"


@pytest.mark.parametrize(
    ("p_value", "text"),
    [(None, "–"), (0.00099, "<0.001"), (0.043, "0.043"), (0.0996, "0.10"), (1.0, "1.00")],
)
def test_p_value_text(p_value, text):
    assert p_value_text(p_value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.0005461, "0.000546"),
        (0.9996, "1.00"),
        (9.996, "10.0"),
        (12.34, "12.3"),
        (-12.34, "-12.3"),
        (999.4, "999"),
        (1234.5, "1,234"),
    ],
)
def test_significant_shows_three_digits_or_all_before_the_point(value, text):
    assert significant(value) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (183_948, "184 kB"),
        (999_499, "999 kB"),
        (999_500, "1.00 MB"),
        (1_839_488, "1.84 MB"),
        (10e6, "10.0 MB"),
        (2.5e9, "2.50 GB"),
        (1234e9, "1,234 GB"),
    ],
)
def test_bytes_text(size, text):
    assert bytes_text(size) == text


@pytest.mark.parametrize(
    ("num_rows", "text"), [(144_236, "140,000"), (97, "97"), (1, "1"), (99_600, "100,000")]
)
def test_estimated_rows_have_two_digits(num_rows, text):
    assert rows_text(num_rows) == text


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ((0.5199, 0.6104), "0.520 to 0.610 ms"),
        ((0.5199, None), "0.520 ms or more"),
        ((None, None), ""),
    ],
)
def test_range_text_shows_the_ends_that_are_known(ends, text):
    assert range_text(*ends, "ms") == text


def test_value_text_without_an_interval_shows_none():
    assert value_text(estimate(0.0, 0.0)) == "0.0000"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("serving_bytes", 2e6, "2.00 MB"),
        ("train_seconds", 13.04, "13.0 s"),
        ("latency_p99_batch1", 0.546, "0.546 ms"),
        ("latency_p99_batch1", 123.4, "123 ms"),
        ("train_examples_per_second", 32446.2, "32,446 rows/s"),
        ("num_parameters", 328081, "328,081"),
        ("auc_roc", 0.79, "0.7900"),
        ("auc_roc", 0.00021, "0.0002"),
        ("auc_roc", 0.0000312, "0.00003"),
        ("auc_roc", -0.0, "0.0000"),
        ("seconds_to_target", None, "–"),
    ],
)
def test_measured_text_has_the_measures_unit(name, value, text):
    assert measured_text(find_measure(name), value) == text


@pytest.mark.parametrize(
    ("sizes", "change"),
    [
        ((1, 10), ("10.0x", "smaller")),
        ((5, 1), ("5.0x", "larger")),
        ((2, 3000), ("1,500x", "smaller")),
        ((7, 7), None),
        ((100, 104), None),
        ((106, 100), ("1.1x", "larger")),
        ((0, 7), None),
        ((7, 0), None),
        ((None, 7), None),
    ],
)
def test_size_change(sizes, change):
    assert size_change(*sizes) == change

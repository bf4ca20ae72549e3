import pytest

from components.evaluator.comparison import Estimate
from components.evaluator.measures import find_measure
from components.evaluator.report.numbers import (
    bytes_text,
    difference_text,
    interval_text,
    measured_text,
    p_value_text,
    ratio_text,
    size_change,
    value_text,
)


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
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (1_839_488, "1.84 MB"), (2.5e9, "2.50 GB")],
)
def test_bytes_text(size, text):
    assert bytes_text(size) == text


def test_bytes_text_beside_a_larger_number_has_its_unit():
    assert bytes_text(96_256, largest=1_839_488) == "0.10 MB"
    assert bytes_text(6_256, largest=1_839_488) == "0.006 MB"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("serving_bytes", 2e6, "2.00 MB"),
        ("train_seconds", 13.04, "13.0 s"),
        ("latency_p99_batch1", 0.546, "0.55 ms"),
        ("latency_p99_batch1", 123.4, "123 ms"),
        ("train_examples_per_second", 32446.2, "32,446 /s"),
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
    ("pair", "text"),
    [((10, 1), "10.0x"), ((3000, 2), "1,500x"), ((10, 0), "–"), ((None, 1), "–")],
)
def test_ratio_text(pair, text):
    assert ratio_text(*pair) == text


@pytest.mark.parametrize(
    ("sizes", "change"),
    [
        ((1, 10), ("10.0x", "smaller")),
        ((5, 1), ("5.0x", "larger")),
        ((7, 7), None),
        ((0, 7), None),
        ((7, 0), None),
        ((None, 7), None),
    ],
)
def test_size_change(sizes, change):
    assert size_change(*sizes) == change

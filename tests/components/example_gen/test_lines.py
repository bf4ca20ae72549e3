"""What a valid line is, rule by rule."""

import pytest

from components.example_gen.lines import MAX_LINE_BYTES, check_line
from components.example_gen.values import Rejection
from tests.components.example_gen.click_log_lines import (
    CRITEO,
    LAYOUTS,
    RATINGS,
    WEIGHTED,
    joined,
    replaced,
    valid_fields,
    valid_line,
)

LINE = valid_line(0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("label", b"0"),
        ("label", b"1"),
        ("I1", b""),
        ("I1", b"-3"),
        ("I1", b"-0"),
        ("I1", b"007"),
        ("I13", b"9223372036854775807"),
        ("I13", b"-9223372036854775807"),
        ("I13", b"0" * 50 + b"1"),
        pytest.param("I1", b"0" * 5000 + b"5", id="I1-5000-zeros-and-5"),
        pytest.param("I1", b"-" + b"0" * 5000, id="I1-minus-5000-zeros"),
        ("C1", b""),
        ("C1", b"a"),
        ("C26", b"0123456789abcDEF"),
    ],
)
def test_check_line_accepts(name, value):
    assert check_line(replaced(LINE, name, value), CRITEO) is None


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("label", b"2", "label '2', expected 0 or 1"),
        ("label", b"", "label '', expected 0 or 1"),
        ("label", b"01", "label '01', expected 0 or 1"),
        ("I3", b"abc", "I3 'abc' is not an integer"),
        ("I3", b"-", "I3 '-' is not an integer"),
        ("I3", b"+1", "I3 '+1' is not an integer"),
        ("I3", b" 1", "I3 ' 1' is not an integer"),
        ("I3", b"1.5", "I3 '1.5' is not an integer"),
        ("I3", "٣".encode(), "I3 '٣' is not an integer"),
        ("I5", b"99999999999999999999", "I5 '99999999999999999999' does not fit in int64"),
        ("I5", b"9223372036854775808", "I5 '9223372036854775808' does not fit in int64"),
        ("I5", b"-9223372036854775808", "I5 '-9223372036854775808' does not fit in int64"),
        ("C7", b"zz", "C7 'zz' is not hexadecimal"),
        ("C7", b"-1", "C7 '-1' is not hexadecimal"),
        ("C7", b"ab\r", "C7 'ab\\r' is not hexadecimal"),
        ("C7", b"g" * 50, f"C7 '{'g' * 40}...' is not hexadecimal"),
        ("C7", b"a" * 40, "C7 has 40 digits, at most 16"),
    ],
)
def test_check_line_names_the_field_and_the_rule(name, value, reason):
    rejection = check_line(replaced(LINE, name, value), CRITEO)
    assert rejection is not None
    assert rejection.reason == reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (LINE.rsplit(b"\t", 1)[0], "39 columns, expected 40"),
        (LINE + b"\t", "41 columns, expected 40"),
        (b"", "1 column, expected 40"),
        (b"1\t\xff" + LINE, "not valid UTF-8 at byte 3"),
        (b"1" * (MAX_LINE_BYTES + 1), "longer than 65,536 bytes"),
    ],
)
def test_check_line_names_what_is_wrong_with_the_whole_line(line, reason):
    rejection = check_line(line, CRITEO)
    assert rejection is not None
    assert rejection.reason == reason


def test_check_line_counts_equal_mistakes_as_one_kind():
    first = check_line(replaced(LINE, "I3", b"abc"), CRITEO)
    second = check_line(replaced(LINE, "I3", b"xyz"), CRITEO)
    assert first is not None
    assert second is not None
    assert first.kind == second.kind == "I3 is not an integer"
    assert isinstance(first, Rejection)


def _with(layout, name, value):
    """A valid line of a log with another value in one column."""
    fields = valid_fields(layout, 0)
    fields[layout.columns.index(name)] = value
    return joined(fields, layout)


@pytest.mark.parametrize(
    ("log", "name", "value"),
    [
        ("shop", "price", b""),
        ("shop", "price", b"-1.50"),
        ("shop", "price", b".5"),
        ("shop", "price", b"5."),
        ("shop", "price", b"1e-400"),
        ("shop", "price", b"3.402823567797336e38"),
        ("shop", "site", b""),
        ("shop", "site", "größer als".encode()),
        ("shop", "site", b'a "quote"'),
        ("shop", "note", b"\x01"),
        ("shop", "hour", b"-5"),
        ("ratings", "rating", b"0"),
        ("ratings", "rating", b"-1"),
        ("ratings", "rating", b"1e300"),
        ("ratings", "price", b"NULL"),
        ("ratings", "movie", b'a "quote", and a comma'),
        ("ratings", "title", b"tab\tin an unused column"),
        ("digits", "click", b"0"),
    ],
)
def test_check_line_of_other_logs_accepts(log, name, value):
    assert check_line(_with(LAYOUTS[log], name, value), LAYOUTS[log]) is None


@pytest.mark.parametrize(
    ("log", "name", "value", "reason"),
    [
        ("shop", "price", b"1,5", "price '1,5' is not a number"),
        ("shop", "price", b"nan", "price 'nan' is not a number"),
        ("shop", "price", b"inf", "price 'inf' is not a number"),
        ("shop", "price", b"+1", "price '+1' is not a number"),
        ("shop", "price", b"0x1", "price '0x1' is not a number"),
        ("shop", "price", b"1e39", "price '1e39' does not fit in float32"),
        (
            "shop",
            "price",
            b"3.4028235677973366e38",
            "price '3.4028235677973366e38' does not fit in float32",
        ),
        ("shop", "visits", b"0x1F", "visits '0x1F' is not an integer"),
        ("shop", "visits", b" 1", "visits ' 1' is not an integer"),
        ("shop", "site", b"a\x00", "site 'a\\x00' has a control character"),
        ("shop", "site", b"a\x7f", "site 'a\\x7f' has a control character"),
        ("shop", "note", b"a\rb", "a carriage return inside the line at byte 2"),
        ("shop", "hour", b"", "hour is missing"),
        ("shop", "hour", b"12:00", "hour '12:00' is not an integer"),
        ("ratings", "rating", b"NULL", "rating 'NULL' is not a number"),
        ("ratings", "rating", b"1e400", "rating '1e400' is not finite"),
        ("ratings", "day", b"-1", "day is missing"),
        ("ratings", "movie", b"a\tb", "movie 'a\\tb' has a control character"),
        ("digits", "code", b"-1", "code is missing"),
        ("strict", "site", b"", "site '' is empty, which `missing_values` does not list"),
        ("strict", "device", b"", "device '' is not hexadecimal"),
        ("strict", "price", b"", "price '' is not a number"),
        ("digits", "count", b"", "count '' is not an integer"),
        ("digits", "click", b"-1", "click '-1', expected 0 or 1"),
    ],
)
def test_check_line_of_other_logs_names_the_field_and_the_rule(log, name, value, reason):
    rejection = check_line(_with(LAYOUTS[log], name, value), LAYOUTS[log])
    assert rejection is not None
    assert rejection.reason == reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'u,t,"4,1,m,c,1', "column 3: a quote inside a field or without its end"),
        (b'u,t,4,1,m"m,c,1', "column 5: a quote inside a field or without its end"),
        (b'u,t,4,1,"m"m,c,1', "column 5: a quote inside a field or without its end"),
        (b'u,t,4,1,"m""",c,"1""', "column 7: a quote inside a field or without its end"),
        (b"u,a title, with a comma,4,1,m,c,1", "8 columns, expected 7"),
    ],
)
def test_check_line_of_csv_names_what_is_wrong_with_the_quotes(line, reason):
    rejection = check_line(line, RATINGS)
    assert rejection is not None
    assert rejection.reason == reason


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_most_lines_are_seen_to_be_valid_at_once(layout):
    lines = [joined(valid_fields(layout, seed), layout) for seed in range(100)]
    surely = [line for line in lines if layout.surely_valid.fullmatch(line)]
    assert len(surely) > 10


def _weighted(value: bytes) -> bytes:
    fields = valid_fields(WEIGHTED, 0)
    fields[WEIGHTED.columns.index("importance")] = value
    return joined(fields, WEIGHTED)


@pytest.mark.parametrize("value", [b"1", b"0.5", b"007.0", b"2e-3", b"1e-45", b"3.4e38"])
def test_check_line_accepts_weights_above_zero(value):
    assert check_line(_weighted(value), WEIGHTED) is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"0", "importance '0' is not above 0"),
        (b"0.0", "importance '0.0' is not above 0"),
        (b"-1", "importance '-1' is not above 0"),
        (b"1e-46", "importance '1e-46' is not above 0"),
        (b"1e39", "importance '1e39' does not fit in float32"),
        (b"inf", "importance 'inf' is not a number"),
        (b"", "importance '' is not a number"),
        (b"NULL", "importance is missing"),
        (b"7", "importance is missing"),
    ],
)
def test_check_line_names_what_is_wrong_with_a_weight(value, reason):
    assert check_line(_weighted(value), WEIGHTED).reason == reason

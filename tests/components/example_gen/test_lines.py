"""What a valid line is, rule by rule."""

import pytest

from components.example_gen.lines import MAX_LINE_BYTES, Rejection, check_line
from tests.components.example_gen.click_log_lines import replaced, valid_line

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
    assert check_line(replaced(LINE, name, value)) is None


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
    rejection = check_line(replaced(LINE, name, value))
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
    rejection = check_line(line)
    assert rejection is not None
    assert rejection.reason == reason


def test_check_line_counts_equal_mistakes_as_one_kind():
    first = check_line(replaced(LINE, "I3", b"abc"))
    second = check_line(replaced(LINE, "I3", b"xyz"))
    assert first is not None
    assert second is not None
    assert first.kind == second.kind == "I3 is not an integer"
    assert isinstance(first, Rejection)

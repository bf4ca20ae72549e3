"""The columnar decoder against its definition, `check_line`, and a slow twin."""

import csv
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.example_gen import decode
from components.example_gen.decode import DecodedBlock, decode_block
from components.example_gen.layout import LineLayout
from components.example_gen.lines import MAX_LINE_BYTES, check_line
from schemas.click_log import ClickLog, raw_arrow_schema
from tests.components.example_gen.click_log_lines import (
    CRITEO,
    DIGITS,
    LAYOUTS,
    RATINGS,
    SHOP,
    decoded,
    decoded_time,
    joined,
    replaced,
    valid_fields,
    valid_lines,
)

_ODD_VALUES = st.sampled_from(
    [
        b"", b"-", b"-0", b"--1", b"1-", b"00", b"0", b"01", b"2", b"+1", b" 1", b"1 ", b"\x00",
        b'"', b'"1"', b'""', b'a"b', b'"a', b"\xff", b"\r", b"nan", b"NaN", b"NULL", b"inf",
        b"-inf", b"1e3", b"1E+3", b"1e", b"e5", b".", b".5", b"5.", b"-.5", b"1.5", b"1e400",
        b"1e38", b"1e39", b"-1e39", b"3.4028235677973366e38", b"3.402823567797336e38", b"1e-400",
        b"1e-45", b"0x1", b"0x1F", b"1_0", b"abc", b"ABC", b"zz", b"a b", b"a,b", b"-1", b"3.5",
        b"3.4999999999999999", b"a" * 16, b"a" * 17, b"9223372036854775807",
        b"9223372036854775808", b"-9223372036854775807",
        b"-9223372036854775808", b"-09223372036854775808", b"0" * 30 + b"5", b"-" + b"0" * 30,
        b"0" * 5000 + b"5", b"-" + b"0" * 5000 + b"5", b"0" * 5000, b"9" * 5000,
        b"1" * 19, b"1" * 20, "é".encode(), b"\t", b"a\tb", b"\x7f", b"\xef\xbb\xbf1",
        b"\xef\xbb\xbf", b"0" * (MAX_LINE_BYTES - 1), b"0" * MAX_LINE_BYTES,
    ]
)  # fmt: skip
_VALUES = st.one_of(
    _ODD_VALUES,
    st.binary(max_size=20),
    st.text("0123456789abcdefABCDEF-", max_size=22).map(str.encode),
    st.text('0123456789.eE+-"', max_size=8).map(str.encode),
    st.text('ab",é\t', max_size=6).map(str.encode),
    st.integers(-(2**65), 2**65).map(lambda value: str(value).encode()),
    st.floats().map(lambda value: repr(value).encode()),
    st.floats(width=32).map(lambda value: repr(value).encode()),
)
_LAYOUTS = st.sampled_from(list(LAYOUTS.values()))


@st.composite
def _lines(draw: st.DrawFn, layout: LineLayout) -> bytes:
    """A valid line, or one with a few fields replaced, or any bytes."""
    if draw(st.integers(0, 9)) == 0:
        line = draw(st.binary(max_size=60))
    else:
        fields = valid_fields(layout, draw(st.integers(0, 1000)))
        for place in draw(st.lists(st.integers(0, len(fields) - 1), max_size=2)):
            fields[place] = draw(_VALUES)
        # Without quotes where they belong a line has too many columns, or stray quotes.
        line = joined(fields, layout) if draw(st.booleans()) else layout.delimiter.join(fields)
    # A line end inside would make two lines of it.
    return line.replace(b"\n", b"").rstrip(b"\r")


@st.composite
def _logs(draw: st.DrawFn, max_size: int = 6) -> tuple[LineLayout, list[bytes]]:
    layout = draw(_LAYOUTS)
    return layout, draw(st.lists(_lines(layout), max_size=max_size))


def _block(lines: list[bytes], end: bytes = b"\n") -> bytes:
    return b"".join(line + end for line in lines)


def _assert_rows_are(block: DecodedBlock, lines: list[bytes], layout: LineLayout) -> None:
    assert block.table.to_pylist() == [decoded(line, layout) for line in lines]
    assert block.table.schema == raw_arrow_schema(layout.click_log)
    assert block.checksums.dtype == np.uint32
    assert block.checksums.tolist() == [zlib.crc32(line) for line in lines]
    assert block.num_bytes.dtype == np.int64
    if layout.click_log.time_column is None:
        assert block.times is None
    else:
        assert block.times.dtype == np.int64
        assert block.times.tolist() == [decoded_time(line, layout) for line in lines]


@settings(max_examples=600, deadline=None)
@given(log=_logs())
def test_decode_block_accepts_what_check_line_accepts_with_equal_values(log):
    layout, lines = log
    block = decode_block(_block(lines), layout)
    accepted = [line for line in lines if check_line(line, layout) is None]
    _assert_rows_are(block, accepted, layout)
    assert block.num_bytes.tolist() == [len(line) + 1 for line in accepted]
    assert [(bad.position, bad.rejection, bad.raw) for bad in block.rejected] == [
        (position, check_line(line, layout), line[:MAX_LINE_BYTES])
        for position, line in enumerate(lines)
        if check_line(line, layout) is not None
    ]


@pytest.mark.parametrize("name", LAYOUTS)
@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, 39), value=_VALUES, seed=st.integers(0, 50))
def test_decode_block_of_one_replaced_field_agrees_with_check_line(name, place, value, seed):
    layout = LAYOUTS[name]
    fields = valid_fields(layout, seed)
    fields[place % len(fields)] = value.replace(b"\n", b"")
    line = joined(fields, layout)
    if line.endswith(b"\r"):
        line += b"0"
    is_row = check_line(line, layout) is None
    block = decode_block(_block([line]), layout)
    _assert_rows_are(block, [line] * is_row, layout)
    assert len(block.rejected) == (not is_row)


@settings(max_examples=100, deadline=None)
@given(log=_logs(8), cut=st.integers(0, 8))
def test_decode_block_cut_in_two_gives_the_same_rows(log, cut):
    layout, lines = log
    whole = decode_block(_block(lines), layout)
    first, second = (decode_block(_block(part), layout) for part in (lines[:cut], lines[cut:]))
    assert first.table.to_pylist() + second.table.to_pylist() == whole.table.to_pylist()
    assert [*first.checksums, *second.checksums] == whole.checksums.tolist()
    assert [*first.num_bytes, *second.num_bytes] == whole.num_bytes.tolist()
    assert first.num_lines + second.num_lines == whole.num_lines == len(lines)


@pytest.mark.parametrize("name", LAYOUTS)
def test_decode_block_of_valid_lines_looks_at_no_line_by_itself(name, monkeypatch):
    layout = LAYOUTS[name]
    lines = [joined(valid_fields(layout, seed), layout) for seed in range(100)]
    monkeypatch.setattr(decode, "check_line", None)
    _assert_rows_are(decode_block(_block(lines), layout), lines, layout)


def test_decode_block_of_quoted_fields_looks_at_no_line_by_itself(monkeypatch):
    line = b'u1,"She said ""no"", twice","4","17",m1,,"1.5"'
    monkeypatch.setattr(decode, "check_line", None)
    assert decode_block(line + b"\n", RATINGS).table.to_pylist() == [
        {"label": 1, "day": 17, "price": 1.5, "movie": b"m1", "user": b"u1"}
    ]


def test_decode_block_takes_no_label_for_a_missing_value():
    block = decode_block(b"0,0,12\n1,5,12\n", DIGITS)
    assert block.table.to_pylist() == [
        {"label": 0, "count": None, "code": b"12"},
        {"label": 1, "count": 5, "code": b"12"},
    ]


def test_decode_block_rejects_labels_that_have_one_byte_on_average():
    lines = [
        replaced(line, "label", label)
        for line, label in zip(valid_lines(2), (b"", b"01"), strict=True)
    ]
    assert [bad.rejection.reason for bad in decode_block(_block(lines), CRITEO).rejected] == [
        "label '', expected 0 or 1",
        "label '01', expected 0 or 1",
    ]


def test_decode_block_rejects_a_row_without_time():
    block = decode_block(b"1,5,0\n1,5,12\n", DIGITS)
    assert block.times.tolist() == [12]
    assert [bad.rejection.reason for bad in block.rejected] == ["code is missing"]


def test_decode_block_keeps_a_byte_order_mark_that_starts_a_value():
    log = ClickLog(label={"column": "y"}, categorical=({"name": "x"},), columns=("x", "y"))
    block = decode_block(b"\xef\xbb\xbfa\t1\n", LineLayout.of(log))
    assert block.table.to_pylist() == [{"label": 1, "x": b"\xef\xbb\xbfa"}]


def test_decode_block_lets_unused_columns_hold_control_characters():
    fields = valid_fields(SHOP, 0)
    fields[0] = b"a\x00\x01\x7f"
    block = decode_block(b"\t".join(fields), SHOP)
    assert block.rejected == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'u,"a\rb",4,17,m,c,1', "a carriage return inside the line at byte 5"),
        (b"u,t,4,17,m,c,1\r\r", "price '1\\r' is not a number"),
    ],
)
def test_decode_block_rejects_a_carriage_return_that_ends_no_line(line, reason):
    block = decode_block(line + b"\n", RATINGS)
    assert block.table.num_rows == 0
    assert [bad.rejection.reason for bad in block.rejected] == [reason]


def test_decode_block_without_last_line_end_keeps_the_last_row():
    lines = valid_lines(3)
    block = decode_block(b"\n".join(lines), CRITEO)
    _assert_rows_are(block, lines, CRITEO)
    assert block.num_bytes.tolist() == [len(lines[0]) + 1, len(lines[1]) + 1, len(lines[2])]


def test_decode_block_with_crlf_equals_lf_but_for_the_bytes():
    lines = valid_lines(5)
    crlf, lf = decode_block(_block(lines, b"\r\n"), CRITEO), decode_block(_block(lines), CRITEO)
    assert crlf.checksums.tolist() == lf.checksums.tolist()
    assert crlf.table.equals(lf.table)
    assert crlf.num_bytes.tolist() == [len(line) + 2 for line in lines]


def test_decode_block_of_bad_lines_keeps_the_bytes_of_the_good_ones():
    first, last = valid_lines(2)
    block = decode_block(first + b"\r\nbad\n" + last + b"\n", CRITEO)
    assert block.num_bytes.tolist() == [len(first) + 2, len(last) + 1]


def test_decode_block_with_a_blank_line_rejects_it():
    first, last = valid_lines(2)
    block = decode_block(_block([first, b"", last]), CRITEO)
    _assert_rows_are(block, [first, last], CRITEO)
    assert [(bad.position, bad.rejection.reason) for bad in block.rejected] == [
        (1, "1 column, expected 40")
    ]


@pytest.mark.parametrize("name", LAYOUTS)
def test_decode_block_of_nothing_has_no_rows(name):
    block = decode_block(b"", LAYOUTS[name])
    assert block.num_lines == 0
    _assert_rows_are(block, [], LAYOUTS[name])


def test_decode_block_of_real_rows_equals_the_csv_module(real_rows):
    block = decode_block(real_rows.read_bytes(), CRITEO)
    assert block.rejected == []
    assert block.table.num_rows == 10_000
    with real_rows.open(newline="") as file:
        twin = [
            decoded("\t".join(row).encode())
            for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        ]
    assert block.table.to_pylist() == twin

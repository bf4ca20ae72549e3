"""The columnar decoder against its definition, `check_line`, and a slow twin."""

import csv

from hypothesis import given, settings
from hypothesis import strategies as st

from components.example_gen.decode import decode_block
from components.example_gen.lines import check_line
from schemas.criteo import RAW_COLUMNS, raw_arrow_schema
from tests.components.example_gen.click_log_lines import (
    decoded,
    replaced,
    valid_line,
    valid_lines,
)

_ODD_VALUES = st.sampled_from(
    [
        b"", b"-", b"-0", b"--1", b"1-", b"00", b"01", b"2", b"+1", b" 1", b"1 ", b"\x00", b'"',
        b'"1"', b"\xff", b"\r", b"nan", b"NULL", b"inf", b"1e3", b"0x1", b"abc", b"ABC", b"zz",
        b"a" * 16, b"a" * 17, b"9223372036854775807", b"9223372036854775808",
        b"-9223372036854775807",
        b"-9223372036854775808", b"-09223372036854775808", b"0" * 30 + b"5", b"-" + b"0" * 30,
        b"0" * 5000 + b"5", b"-" + b"0" * 5000 + b"5", b"0" * 5000, b"9" * 5000,
        b"1" * 19, b"1" * 20, "é".encode(), b"\t", b"\xef\xbb\xbf1",
    ]
)  # fmt: skip
_VALUES = st.one_of(
    _ODD_VALUES,
    st.binary(max_size=20),
    st.text("0123456789abcdefABCDEF-", max_size=22).map(str.encode),
    st.integers(-(2**65), 2**65).map(lambda value: str(value).encode()),
)


@st.composite
def _lines(draw: st.DrawFn) -> bytes:
    """A valid line, or one with a few fields replaced, or any bytes."""
    if draw(st.integers(0, 9)) == 0:
        line = draw(st.binary(max_size=60))
    else:
        line = valid_line(draw(st.integers(0, 1000)))
        for name in draw(st.lists(st.sampled_from(RAW_COLUMNS), max_size=2)):
            line = replaced(line, name, draw(_VALUES)) if line.count(b"\t") == 39 else line
    # A line end inside would make two lines of it.
    return line.replace(b"\n", b"").rstrip(b"\r")


def _block(lines: list[bytes], end: bytes = b"\n") -> bytes:
    return b"".join(line + end for line in lines)


@settings(max_examples=300, deadline=None)
@given(lines=st.lists(_lines(), max_size=6))
def test_decode_block_accepts_what_check_line_accepts_with_equal_values(lines):
    block = decode_block(_block(lines))
    accepted = [line for line in lines if check_line(line) is None]
    assert block.lines == accepted
    assert block.table.to_pylist() == [decoded(line) for line in accepted]
    assert block.table.schema == raw_arrow_schema()
    assert [(bad.position, bad.rejection, bad.raw) for bad in block.rejected] == [
        (position, check_line(line), line)
        for position, line in enumerate(lines)
        if check_line(line) is not None
    ]


@settings(max_examples=300, deadline=None)
@given(name=st.sampled_from(RAW_COLUMNS), value=_VALUES, seed=st.integers(0, 50))
def test_decode_block_of_one_replaced_field_agrees_with_check_line(name, value, seed):
    line = replaced(valid_line(seed), name, value.replace(b"\n", b""))
    if line.endswith(b"\r"):
        line += b"0"
    is_row = check_line(line) is None
    block = decode_block(_block([line]))
    assert block.table.to_pylist() == ([decoded(line)] if is_row else [])
    assert len(block.rejected) == (not is_row)


@settings(max_examples=100, deadline=None)
@given(lines=st.lists(_lines(), min_size=1, max_size=8), cut=st.integers(0, 8))
def test_decode_block_cut_in_two_gives_the_same_rows(lines, cut):
    whole = decode_block(_block(lines))
    first, second = decode_block(_block(lines[:cut])), decode_block(_block(lines[cut:]))
    assert first.lines + second.lines == whole.lines
    assert first.table.to_pylist() + second.table.to_pylist() == whole.table.to_pylist()
    assert first.num_lines + second.num_lines == whole.num_lines == len(lines)


def test_decode_block_without_last_line_end_keeps_the_last_row():
    lines = valid_lines(3)
    assert decode_block(b"\n".join(lines)).lines == lines


def test_decode_block_with_crlf_equals_lf():
    lines = valid_lines(5)
    crlf, lf = decode_block(_block(lines, b"\r\n")), decode_block(_block(lines))
    assert crlf.lines == lf.lines
    assert crlf.table.equals(lf.table)


def test_decode_block_with_a_blank_line_rejects_it():
    first, last = valid_lines(2)
    block = decode_block(_block([first, b"", last]))
    assert block.lines == [first, last]
    assert [(bad.position, bad.rejection.reason) for bad in block.rejected] == [
        (1, "1 column, expected 40")
    ]


def test_decode_block_of_nothing_has_no_rows():
    block = decode_block(b"")
    assert block.num_lines == 0
    assert block.table.schema == raw_arrow_schema()


def test_decode_block_of_real_rows_equals_the_csv_module(real_rows):
    block = decode_block(real_rows.read_bytes())
    assert block.rejected == []
    assert block.table.num_rows == 10_000
    with real_rows.open(newline="") as file:
        twin = [
            decoded("\t".join(row).encode())
            for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        ]
    assert block.table.to_pylist() == twin

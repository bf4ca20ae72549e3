"""Quotes in CSV against a machine that looks at one byte after the other."""

from hypothesis import given, settings
from hypothesis import strategies as st

from components.example_gen.csv_text import has_stray_quote, split_csv, stray_quote_column

_LINES = st.lists(st.sampled_from(['"', '""', ",", "a", "é"]), max_size=12).map(
    lambda parts: "".join(parts).encode()
)


def _split_by_states(line: bytes) -> tuple[list[bytes], bool]:
    """Returns the fields, and whether the last one breaks the rule."""
    fields = [b""]
    state = "start"
    for byte in (line[place : place + 1] for place in range(len(line))):
        if byte == b'"':
            if state == "unquoted":
                return fields, True
            if state == "quote in quotes":
                fields[-1] += byte
            state = {"quoted": "quote in quotes"}.get(state, "quoted")
        elif byte == b"," and state != "quoted":
            fields.append(b"")
            state = "start"
        elif state == "quote in quotes":
            return fields, True
        else:
            fields[-1] += byte
            state = "unquoted" if state == "start" else state
    return fields, state == "quoted"


@settings(max_examples=300, deadline=None)
@given(line=_LINES)
def test_split_csv_equals_the_machine(line):
    fields, is_stray = _split_by_states(line)
    assert split_csv(line) == (None if is_stray else fields)


@settings(max_examples=200, deadline=None)
@given(lines=st.lists(_LINES, max_size=5))
def test_has_stray_quote_of_lines_is_that_of_any(lines):
    expected = any(_split_by_states(line)[1] for line in lines)
    assert has_stray_quote(b"\n".join(lines)) == expected


@settings(max_examples=200, deadline=None)
@given(line=_LINES)
def test_stray_quote_column_is_the_first_bad_field(line):
    fields, is_stray = _split_by_states(line)
    if is_stray:
        assert stray_quote_column(line) == len(fields)


def test_split_csv_takes_doubled_quotes_and_commas_from_quotes():
    assert split_csv(b'a,"b, ""c""",,""') == [b"a", b'b, "c"', b"", b""]

"""Quotes in comma-separated lines, as in RFC 4180 but without line ends inside quotes.

A field that starts with a quote ends with one, and a quote between them is doubled. A field without
a quote at its start holds none.
"""

import re

_QUOTED = re.compile(rb'(?<![^,\n])"[^"\n]*(?:""[^"\n]*)*"(?![^,\n])')
_FIELD = re.compile(rb',(?:"([^"]*(?:""[^"]*)*)"|([^,"]*))(?![^,])')


def has_stray_quote(text: bytes) -> bool:
    """Whether any field of the lines breaks the rule above."""
    # What is left without the quoted fields has no quote, unless one stood where it may not: the
    # first field that breaks the rule keeps its quote, as no match can start before or inside it.
    return b'"' in text and b'"' in _QUOTED.sub(b"", text)


def split_csv(line: bytes) -> list[bytes] | None:
    """Returns the fields of a line without their quotes, or None if it has a stray quote."""
    if b'"' not in line:
        return line.split(b",")
    if has_stray_quote(line):
        return None
    # With a comma before it each field is alike, the first one too.
    fields = _FIELD.findall(b"," + line)
    return [quoted.replace(b'""', b'"') if quoted else plain for quoted, plain in fields]


def stray_quote_column(line: bytes) -> int:
    """Returns the number, from 1, of the first field that breaks the rule."""
    text = b"," + line
    position, column = 0, 1
    while match := _FIELD.match(text, position):
        position, column = match.end(), column + 1
    return column

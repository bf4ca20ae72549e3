"""What a valid line is: the definition that the columnar decoder must agree with."""

from collections.abc import Mapping

from components.example_gen.csv_text import split_csv, stray_quote_column
from components.example_gen.layout import LineLayout
from components.example_gen.values import CHECKS, LABEL_KINDS, REQUIRED_KINDS, Rejection

MAX_LINE_BYTES = 64 * 1024


def check_line(line: bytes, layout: LineLayout) -> Rejection | None:
    r"""Returns why a line is rejected, or None if it is a valid row.

    A valid row is UTF-8 of at most `MAX_LINE_BYTES` without a carriage return, has all columns of
    its file, and values as `check_fields` asks for. The other columns may hold anything.

    Args:
      line: the raw bytes without the line end.
      layout: how the lines of the file are made up.
    """
    if too_long := check_length(line):
        return too_long
    # Most lines of a block with a bad line are good: one match accepts them. A line that it does
    # not match may still be valid (an integer with 19 digits) and is looked at field by field.
    if line.isascii() and layout.surely_valid.fullmatch(line):
        return None
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return Rejection("not valid UTF-8", f"not valid UTF-8 at byte {error.start + 1}")
    fields = split_csv(line) if layout.has_quotes else line.split(layout.delimiter)
    if fields is None:
        rule = "a quote inside a field or without its end"
        return Rejection(rule, f"column {stray_quote_column(line)}: {rule}")
    if len(fields) != len(layout.columns):
        reason = f"expected {len(layout.columns)}"
        columns = "1 column" if len(fields) == 1 else f"{len(fields)} columns"
        return Rejection(f"number of columns, {reason}", f"{columns}, {reason}")
    used = {name: fields[position] for name, position in layout.positions.items()}
    rejection = check_fields(used, layout)
    if rejection is None and b"\r" in line:
        rule = "a carriage return inside the line"
        return Rejection(rule, f"{rule} at byte {line.index(13) + 1}")
    return rejection


def check_length(line: bytes) -> Rejection | None:
    """Returns a rejection if the line is longer than `MAX_LINE_BYTES`."""
    reason = f"longer than {MAX_LINE_BYTES:,} bytes"
    return Rejection(reason, reason) if len(line) > MAX_LINE_BYTES else None


def check_fields(fields: Mapping[str, bytes | None], layout: LineLayout) -> Rejection | None:
    """Returns why a row is rejected, or None if its values are valid.

    Label, weight and time must be there; the rules for the kinds are in `values.py`.

    Args:
      fields: used column -> its text; None is missing, and so is what the log says, but in a label.
      layout: of the file.
    """
    for name, kind in layout.kinds:
        value = fields[name]
        if value is not None and (kind in LABEL_KINDS or value not in layout.missing):
            if rejection := CHECKS[kind](name, value):
                return rejection
        elif kind in REQUIRED_KINDS:
            rule = f"{name} is missing"
            return Rejection(rule, rule)
    return None

"""Raw lines for the tests: valid ones by seed, layouts of logs, and slow twins that decode them."""

import random
from collections.abc import Iterable

import numpy as np

from components.example_gen.layout import LineLayout
from schemas.click_log import LABEL, WEIGHT, ClickLog
from schemas.criteo import CATEGORICAL_FEATURES, CLICK_LOG, DENSE_FEATURES

CRITEO = LineLayout.of(CLICK_LOG)

# Tab-separated without a header; `note` is not used.
SHOP = LineLayout.of(
    ClickLog(
        format="tsv",
        columns=("note", "bought", "price", "visits", "site", "device", "hour"),
        label={"column": "bought"},
        dense=({"name": "visits"}, {"name": "price", "type": "float"}),
        categorical=({"name": "site"}, {"name": "device", "type": "hexadecimal"}),
        time_column="hour",
    )
)

# Comma-separated with a header: `day` is the time and a feature, 0 and -1 are missing values.
RATINGS = LineLayout.of(
    ClickLog(
        format="csv",
        header=True,
        label={"column": "rating", "positive_from": 3.5},
        dense=({"name": "day"}, {"name": "price", "type": "float"}),
        categorical=({"name": "movie"}, {"name": "user"}),
        missing_values=("", "NULL", "-1", "0"),
        time_column="day",
    ),
    header=("user", "title", "rating", "day", "movie", "a, b", "price"),
)

# Only digits, so that the bytes of a block tell much at once; `code` is the time and a feature.
DIGITS = LineLayout.of(
    ClickLog(
        format="csv",
        label={"column": "click"},
        dense=({"name": "count"},),
        categorical=({"name": "code", "type": "hexadecimal"},),
        missing_values=("0", "-1"),
        time_column="code",
    )
)

# An empty field is no missing value.
STRICT = LineLayout.of(
    ClickLog(
        format="tsv",
        label={"column": "click"},
        dense=({"name": "price", "type": "float"},),
        categorical=({"name": "site"}, {"name": "device", "type": "hexadecimal"}),
        missing_values=("NULL",),
    )
)

# Rows with weights; NULL is no weight.
WEIGHTED = LineLayout.of(
    ClickLog(
        format="csv",
        header=True,
        label={"column": "click"},
        weight="importance",
        categorical=({"name": "site"},),
        missing_values=("NULL", "7"),
    ),
    header=("site", "importance", "note", "click"),
)

LAYOUTS = {
    "criteo": CRITEO,
    "shop": SHOP,
    "ratings": RATINGS,
    "digits": DIGITS,
    "strict": STRICT,
    "weighted": WEIGHTED,
}


def valid_line(seed: int, label: int | None = None) -> bytes:
    """Returns a valid Criteo line; about a fifth of its fields are missing."""
    generator = random.Random(seed)
    fields = [str(generator.randint(0, 1) if label is None else label)]
    for _ in DENSE_FEATURES:
        fields.append("" if generator.random() < 0.2 else str(generator.randint(-3, 10_000)))
    for _ in CATEGORICAL_FEATURES:
        fields.append("" if generator.random() < 0.2 else f"{generator.getrandbits(32):08x}")
    return "\t".join(fields).encode()


def valid_lines(count: int, start: int = 0) -> list[bytes]:
    """Returns valid Criteo lines; every third one has label 1."""
    return [valid_line(seed, int(seed % 3 == 0)) for seed in range(start, start + count)]


def valid_fields(layout: LineLayout, seed: int) -> list[bytes]:
    """Returns the fields of a valid line, in the order of the layout's columns."""
    generator = random.Random(seed)
    some = {
        "label": lambda: generator.choice("01"),
        "rating": lambda: generator.choice(["0", "3.49", "3.5", "5", "-1", "1e1"]),
        "weight": lambda: generator.choice(["1", "0.5", "3e-2", "12.25", "1e-45", "3.4e38"]),
        "time": lambda: str(generator.randint(1, 2**33)),
        "integer": lambda: str(generator.randint(-30, 10_000)),
        "float": lambda: repr(generator.uniform(-1000, 1000)),
        "hexadecimal": lambda: f"{generator.getrandbits(40):x}",
        "text": lambda: generator.choice(["news", "Größe 9", "0x1F", " a b ", "ü"]),
    }
    kinds = dict(layout.kinds)  # A time column that is a feature too counts as the time.
    return [some[kinds.get(name, "text")]().encode() for name in layout.columns]


def joined(fields: Iterable[bytes], layout: LineLayout) -> bytes:
    """Returns the line; in CSV with quotes around the fields that need them."""
    if not layout.has_quotes:
        return b"\t".join(fields)
    return b",".join(
        b'"' + field.replace(b'"', b'""') + b'"' if b'"' in field or b"," in field else field
        for field in fields
    )


def replaced(line: bytes, name: str, value: bytes) -> bytes:
    """Returns the Criteo line with another value in one column."""
    fields = line.split(b"\t")
    fields[CRITEO.columns.index(name)] = value
    return b"\t".join(fields)


def split_slowly(line: bytes, layout: LineLayout) -> list[bytes]:
    """Splits a valid line byte by byte."""
    fields, field, in_quotes, position = [], b"", False, 0
    while position < len(line):
        byte = line[position : position + 1]
        if layout.has_quotes and byte == b'"':
            if in_quotes and line[position + 1 : position + 2] == b'"':
                field, position = field + byte, position + 1
            else:
                in_quotes = not in_quotes
        elif byte == layout.delimiter and not in_quotes:
            fields.append(field)
            field = b""
        else:
            field += byte
        position += 1
    return [*fields, field]


def decoded(line: bytes, layout: LineLayout = CRITEO) -> dict[str, int | float | bytes | None]:
    """Decodes a valid line field by field."""
    fields = dict(zip(layout.columns, split_slowly(line, layout), strict=True))
    log = layout.click_log
    missing = [value.encode() for value in log.missing_values]
    label = fields[log.label.column]
    threshold = log.label.positive_from
    row: dict[str, int | float | bytes | None] = {
        LABEL: int(label == b"1" if threshold is None else float(label) >= threshold)
    }
    if log.weight:
        row[WEIGHT] = float(np.float32(float(fields[log.weight])))
    for column in (*log.dense, *log.categorical):
        value = fields[column.name]
        if value in missing:
            row[column.name] = None
        elif column.type == "integer":
            row[column.name] = integer(value)
        elif column.type == "float":
            row[column.name] = float(np.float32(float(value)))
        else:
            row[column.name] = value
    return row


def decoded_time(line: bytes, layout: LineLayout) -> int:
    """Decodes the time column of a valid line."""
    position = layout.columns.index(layout.click_log.time_column)
    return integer(split_slowly(line, layout)[position])


def integer(value: bytes) -> int:
    """Decodes an integer with any number of leading zeros."""
    sign = -1 if value.startswith(b"-") else 1
    return sign * int(value.lstrip(b"-").lstrip(b"0") or b"0")

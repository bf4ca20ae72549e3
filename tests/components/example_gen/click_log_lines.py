"""Raw lines for the tests: valid ones by seed, and a slow twin that decodes them."""

import random

from schemas.criteo import CATEGORICAL_FEATURES, DENSE_FEATURES, LABEL, RAW_COLUMNS


def valid_line(seed: int, label: int | None = None) -> bytes:
    """Returns a valid line; about a fifth of its fields are missing."""
    generator = random.Random(seed)
    fields = [str(generator.randint(0, 1) if label is None else label)]
    for _ in DENSE_FEATURES:
        fields.append("" if generator.random() < 0.2 else str(generator.randint(-3, 10_000)))
    for _ in CATEGORICAL_FEATURES:
        fields.append("" if generator.random() < 0.2 else f"{generator.getrandbits(32):08x}")
    return "\t".join(fields).encode()


def valid_lines(count: int, start: int = 0) -> list[bytes]:
    """Returns valid lines; every third one has label 1."""
    return [valid_line(seed, int(seed % 3 == 0)) for seed in range(start, start + count)]


def replaced(line: bytes, name: str, value: bytes) -> bytes:
    """Returns the line with another value in one column."""
    fields = line.split(b"\t")
    fields[RAW_COLUMNS.index(name)] = value
    return b"\t".join(fields)


def decoded(line: bytes) -> dict[str, int | bytes | None]:
    """Decodes a valid line field by field."""
    row: dict[str, int | bytes | None] = {}
    for name, value in zip(RAW_COLUMNS, line.split(b"\t"), strict=True):
        if not value:
            row[name] = None
        elif name == LABEL or name in DENSE_FEATURES:
            sign = -1 if value.startswith(b"-") else 1
            row[name] = sign * int(value.lstrip(b"-").lstrip(b"0") or b"0")
        else:
            row[name] = value
    return row

"""A small click log for the tests of the selection: `click`, `I1`, `C1` and `hour`."""

import gzip
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam

from components import parquet
from components.example_gen.config import ExampleGenConfig
from components.example_gen.ingest import ingest
from components.example_gen.summary import Summary
from schemas.click_log import SPLITS, ClickLog

CLICK_LOG = ClickLog.model_validate(
    {
        "label": {"column": "click"},
        "dense": [{"name": "I1"}],
        "categorical": [{"name": "C1", "type": "hexadecimal"}],
        "time_column": "hour",
    }
)


def line(number: int, label: int | None = None, hour: int | None = None) -> bytes:
    """Returns a line whose `I1` is `number`; every third is a click, ten make an hour."""
    label = int(number % 3 == 0) if label is None else label
    hour = number // 10 if hour is None else hour
    return f"{label}\t{number}\t{number * 2654435761 % 2**32:08x}\t{hour}".encode()


def lines(count: int, start: int = 0) -> list[bytes]:
    """Returns the lines of consecutive numbers."""
    return [line(number) for number in range(start, start + count)]


def write(path: Path, content: Sequence[bytes], end: bytes = b"\n") -> Path:
    """Writes lines, compressed if the name ends in .gz."""
    text = b"".join(one + end for one in content)
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def run_ingest(
    root: Path,
    paths: Sequence[Path],
    config: ExampleGenConfig,
    click_log: ClickLog = CLICK_LOG,
    spans: Sequence[int] = (),
    **beam_options: str,
) -> Summary:
    """Reads files into the folders train, eval and q of `root`."""
    root.mkdir(exist_ok=True)
    options = beam.options.pipeline_options.PipelineOptions.from_dictionary(beam_options)
    return ingest(
        list(map(str, paths)),
        {split: str(root / split) for split in SPLITS},
        str(root / "q"),
        config,
        click_log,
        lambda: beam.Pipeline(options=options),
        spans,
    )


def rows(root: Path, split: str) -> list[dict[str, Any]]:
    """Returns the rows of a split in the order of its files."""
    files = sorted((root / split).glob("*.parquet"))
    return [row for path in files for row in parquet.read_table(str(path)).to_pylist()]


def numbers(root: Path, split: str) -> list[int]:
    """Returns the `I1` of the rows of a split."""
    return [row["I1"] for row in rows(root, split)]


def rejected(root: Path) -> list[dict[str, Any]]:
    """Returns the rejected lines."""
    return [json.loads(text) for text in (root / "q/rejected_rows.jsonl").read_text().splitlines()]


def slow_hash(raw_line: bytes, salt: int) -> int:
    """Returns the hash of a line by the formula, in Python integers."""
    return slow_mix(zlib.crc32(raw_line) + salt)


def slow_mix(value: int) -> int:
    """Returns the finalizer of SplitMix64."""
    value %= 2**64
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB % 2**64
    return value ^ (value >> 31)


def slow_is_eval(raw_line: bytes, eval_fraction: float, seed: int = 0) -> bool:
    """Tells whether a line belongs to the eval split by hash."""
    bucket = slow_hash(raw_line, (seed + 1) * 0x9E3779B97F4A7C15) % 10_000
    return bucket < round(eval_fraction * 10_000)

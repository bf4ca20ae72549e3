"""Files through real Beam into splits, quarantine and counts."""

import gzip
import json
import logging
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest

from components import parquet
from components.errors import InputError
from components.example_gen.config import ExampleGenConfig
from components.example_gen.ingest import ingest
from components.example_gen.split import is_eval
from components.example_gen.summary import Summary
from components.progress import PROGRESS_LOGGER
from schemas.criteo import EVAL_SPLIT, RAW_COLUMNS, TRAIN_SPLIT
from tests.components.example_gen.click_log_lines import (
    decoded,
    replaced,
    valid_line,
    valid_lines,
)

CONFIG = ExampleGenConfig(eval_fraction=0.3, block_bytes=1024, max_bad_rate=0.5)


def _write(path: Path, lines: list[bytes], end: bytes = b"\n") -> Path:
    content = b"".join(line + end for line in lines)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def _ingest(root: Path, paths: list[Path], config: ExampleGenConfig = CONFIG) -> Summary:
    split_uris = {split: str(root / split) for split in (TRAIN_SPLIT, EVAL_SPLIT)}
    return ingest(list(map(str, paths)), split_uris, str(root / "q"), config, beam.Pipeline)


def _rows(root: Path, split: str) -> list[dict[str, Any]]:
    files = parquet.list_files(str(root / split))
    return [row for path in files for row in parquet.read_table(path).to_pylist()]


def _quarantine(root: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (root / "q/rejected_rows.jsonl").read_text().splitlines()]


def test_ingest_keeps_every_row_in_order_in_the_split_of_its_content(tmp_path):
    first, second = valid_lines(60), valid_lines(40, start=60)
    paths = [_write(tmp_path / "a.tsv", first), _write(tmp_path / "b.tsv.gz", second)]
    _ingest(tmp_path, paths)
    lines = first + second
    in_eval = is_eval(lines, CONFIG)
    for split, selected in ((TRAIN_SPLIT, ~in_eval), (EVAL_SPLIT, in_eval)):
        expected = [decoded(line) for line, taken in zip(lines, selected, strict=True) if taken]
        assert _rows(tmp_path, split) == expected


def test_ingest_counts_rows_and_clicks(tmp_path):
    lines = valid_lines(100)
    summary = _ingest(tmp_path, [_write(tmp_path / "a.tsv", lines)])
    num_eval = int(is_eval(lines, CONFIG).sum())
    assert summary.num_rows == {TRAIN_SPLIT: 100 - num_eval, EVAL_SPLIT: num_eval}
    assert sum(summary.num_clicks.values()) == 34
    assert summary.files == {str(tmp_path / "a.tsv"): 100}
    assert (summary.num_lines, summary.num_rejected) == (100, 0)
    assert json.loads((tmp_path / "q/summary.json").read_text()) == summary._asdict()


@pytest.mark.parametrize("block_bytes", [1024, 5000, 2**20])
@pytest.mark.parametrize("suffix", [".tsv", ".tsv.gz"])
def test_ingest_gives_the_same_for_every_block_size(tmp_path, block_bytes, suffix):
    lines = valid_lines(100)
    lines[17] = b"no row"
    lines[60] = replaced(lines[60], "C3", b"xyz")
    config = CONFIG.model_copy(update={"block_bytes": block_bytes})
    summary = _ingest(tmp_path, [_write(tmp_path / f"a{suffix}", lines)], config)
    valid = [line for i, line in enumerate(lines) if i not in (17, 60)]
    in_eval = is_eval(valid, CONFIG)
    expected = [decoded(line) for line, taken in zip(valid, in_eval, strict=True) if taken]
    assert _rows(tmp_path, EVAL_SPLIT) == expected
    assert [(row["line"], row["reason"]) for row in _quarantine(tmp_path)] == [
        (18, "1 column, expected 40"),
        (61, "C3 'xyz' is not hexadecimal"),
    ]
    assert summary.num_rejected == 2


def test_ingest_quarantines_with_file_line_reason_and_raw_line(tmp_path):
    first, second = valid_lines(50), valid_lines(50, start=50)
    first[49] = replaced(first[49], "label", b"7")
    second[0] = b"\xff\xfe\t" + second[0]
    second[31] = replaced(second[31], "I2", b"99999999999999999999")
    paths = [_write(tmp_path / "a.tsv", first), _write(tmp_path / "b.tsv", second, b"\r\n")]
    summary = _ingest(tmp_path, paths)
    assert _quarantine(tmp_path) == [
        {
            "file": str(paths[0]),
            "line": 50,
            "reason": "label '7', expected 0 or 1",
            "raw": first[49].decode(),
        },
        {
            "file": str(paths[1]),
            "line": 1,
            "reason": "not valid UTF-8 at byte 1",
            "raw": "\\xff\\xfe\t" + valid_line(50, 0).decode(),
        },
        {
            "file": str(paths[1]),
            "line": 32,
            "reason": "I2 '99999999999999999999' does not fit in int64",
            "raw": second[31].decode(),
        },
    ]
    assert summary.rejected == {
        "I2 does not fit in int64": 1,
        "label, expected 0 or 1": 1,
        "not valid UTF-8": 1,
    }
    assert sorted(path.name for path in (tmp_path / "q").iterdir()) == [
        "rejected_rows.jsonl",
        "summary.json",
    ]


def test_ingest_above_max_bad_rate_fails_with_counts_and_the_first_lines(tmp_path):
    lines = valid_lines(100)
    for position in range(30):
        lines[position] = b"x" * (position + 1)
    path = _write(tmp_path / "a.tsv", lines)
    with pytest.raises(InputError) as raised:
        _ingest(tmp_path, [path], ExampleGenConfig(max_bad_rate=0.29))
    message = str(raised.value)
    assert message.startswith(
        "30 of 100 lines (30.00%) are no valid rows, max_bad_rate allows 29.00%. "
        f"All of them are in {tmp_path}/q-failed/rejected_rows.jsonl. The first 20:\n"
        f"  {path}:1: 1 column, expected 40\n"
    )
    assert len(message.splitlines()) == 21
    kept = (tmp_path / "q-failed/rejected_rows.jsonl").read_text().splitlines()
    assert [json.loads(row)["raw"] for row in kept] == [line.decode() for line in lines[:30]]


def test_ingest_at_max_bad_rate_goes_on(tmp_path):
    lines = [*valid_lines(90), *[b""] * 10]
    summary = _ingest(
        tmp_path, [_write(tmp_path / "a.tsv", lines)], ExampleGenConfig(max_bad_rate=0.1)
    )
    assert summary.num_rejected == 10


def test_ingest_of_one_class_fails_with_split_and_counts(tmp_path):
    lines = [valid_line(seed, 0) for seed in range(100)]
    num_train = 100 - int(is_eval(lines, CONFIG).sum())
    with pytest.raises(
        InputError,
        match=rf"train split has only one class \(0 rows with label 1 and {num_train} with label",
    ):
        _ingest(tmp_path, [_write(tmp_path / "a.tsv", lines)])


def test_ingest_into_an_empty_split_fails_with_its_name(tmp_path):
    config = ExampleGenConfig(eval_fraction=0.0001)
    with pytest.raises(InputError, match=r"eval split is empty: 20 rows .* eval_fraction 0\.0001"):
        _ingest(tmp_path, [_write(tmp_path / "a.tsv", valid_lines(20))], config)


def test_ingest_of_a_truncated_gzip_fails_without_words_of_beam(tmp_path):
    path = _write(tmp_path / "b.tsv.gz", valid_lines(100))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"b\.tsv\.gz: the gzip data is truncated") as raised:
        _ingest(tmp_path, [_write(tmp_path / "a.tsv", valid_lines(10)), path])
    assert "while running" not in str(raised.value)


def test_ingest_again_into_the_same_folders_overwrites(tmp_path):
    path = _write(tmp_path / "a.tsv", valid_lines(100))
    first = _ingest(tmp_path, [path])
    rows = _rows(tmp_path, TRAIN_SPLIT)
    assert _ingest(tmp_path, [path]) == first
    assert _rows(tmp_path, TRAIN_SPLIT) == rows


def test_ingest_reports_rows_as_blocks_get_done(tmp_path, caplog):
    path = _write(tmp_path / "a.tsv", valid_lines(100))
    with caplog.at_level(logging.INFO, PROGRESS_LOGGER):
        _ingest(tmp_path, [path])
    messages = [r.getMessage() for r in caplog.records if r.name == PROGRESS_LOGGER]
    assert messages[-1] == "100 rows"
    assert len(messages) > 5


def test_ingest_reports_last_how_many_lines_were_rejected_and_where_they_are(tmp_path, caplog):
    path = _write(tmp_path / "a.tsv", [*valid_lines(1499), b"no row"])
    with caplog.at_level(logging.INFO, PROGRESS_LOGGER):
        _ingest(tmp_path, [path], ExampleGenConfig())
    messages = [r.getMessage() for r in caplog.records if r.name == PROGRESS_LOGGER]
    assert messages[-1] == f"1,499 rows, 1 rejected ({tmp_path}/q/rejected_rows.jsonl)"


def test_ingest_of_real_rows_loses_none(tmp_path, real_rows):
    summary = _ingest(tmp_path, [real_rows], ExampleGenConfig(block_bytes=2**20, max_bad_rate=0))
    assert sum(summary.num_rows.values()) == 10_000
    assert sum(summary.num_clicks.values()) == 265
    with real_rows.open("rb") as file:
        lines = [line.rstrip(b"\n") for line in file]
    in_eval = is_eval(lines, ExampleGenConfig())
    expected = [decoded(line) for line, taken in zip(lines, in_eval, strict=True) if taken]
    assert _rows(tmp_path, EVAL_SPLIT) == expected
    assert list(expected[0]) == list(RAW_COLUMNS)

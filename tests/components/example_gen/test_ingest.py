"""Files through real Beam into splits, quarantine and counts."""

import json
import logging
from pathlib import Path

import pytest

from components.errors import InputError
from components.example_gen.config import ExampleGenConfig, SplitConfig
from components.progress import PROGRESS_LOGGER
from schemas.click_log import EVAL_SPLIT, TRAIN_SPLIT, ClickLog
from schemas.criteo import CLICK_LOG as CRITEO
from schemas.spans import SpanCounts
from tests.components.example_gen.small_log import (
    line,
    lines,
    numbers,
    rejected,
    rows,
    run_ingest,
    slow_is_eval,
    write,
)

HASH = SplitConfig(eval_fraction=0.3)
CONFIG = ExampleGenConfig(split=HASH, block_bytes=1024, max_bad_rate=0.5)


def _expected(content: list[bytes], start: int = 0) -> dict[str, list[int]]:
    """Returns the numbers that the slow twin of the split by hash expects."""
    found: dict[str, list[int]] = {TRAIN_SPLIT: [], EVAL_SPLIT: []}
    for number, raw in enumerate(content, start):
        found[EVAL_SPLIT if slow_is_eval(raw, 0.3) else TRAIN_SPLIT].append(number)
    return found


def _messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name == PROGRESS_LOGGER]


def test_ingest_keeps_every_row_in_order_in_the_split_of_its_content(tmp_path):
    content = lines(200)
    paths = [
        write(tmp_path / "a.tsv", content[:120]),
        write(tmp_path / "b.tsv.gz", content[120:]),
    ]
    run_ingest(tmp_path, paths, CONFIG)
    for split, expected in _expected(content).items():
        assert numbers(tmp_path, split) == expected


def test_ingest_writes_the_columns_of_the_log(tmp_path):
    run_ingest(tmp_path, [write(tmp_path / "a.tsv", lines(40))], CONFIG)
    first = rows(tmp_path, TRAIN_SPLIT)[0]
    number = first["I1"]
    category = f"{number * 2654435761 % 2**32:08x}".encode()
    assert first == {"label": int(number % 3 == 0), "I1": number, "C1": category}


def test_ingest_counts_rows_clicks_and_bytes(tmp_path):
    content = lines(100)
    summary = run_ingest(tmp_path, [write(tmp_path / "a.tsv", content)], CONFIG)
    num_eval = len(_expected(content)[EVAL_SPLIT])
    assert summary.num_rows == {TRAIN_SPLIT: 100 - num_eval, EVAL_SPLIT: num_eval}
    assert sum(summary.num_clicks.values()) == 34
    assert summary.files == {str(tmp_path / "a.tsv"): 100}
    assert (summary.num_lines, summary.num_rejected) == (100, 0)
    num_bytes = sum(len(raw) + 1 for raw in content)
    assert summary.log == {"num_rows": 100, "num_clicks": 34, "num_bytes": num_bytes}
    assert summary.version == summary.log
    assert json.loads((tmp_path / "q/summary.json").read_text()) == summary.to_json_dict()


def test_ingest_counts_the_rows_and_clicks_of_each_span(tmp_path):
    paths = [write(tmp_path / f"{n}.tsv", lines(60, start=100 * n)) for n in range(3)]
    config = CONFIG.model_copy(update={"split": SplitConfig(method="last_files")})
    older, newest = run_ingest(tmp_path, paths, config, spans=[8, 8, 9]).spans
    # Every third row is a click.
    assert older == SpanCounts(
        name="8",
        first_file=0,
        num_rows={TRAIN_SPLIT: 120, EVAL_SPLIT: 0},
        num_clicks={TRAIN_SPLIT: 40, EVAL_SPLIT: 0},
    )
    assert newest == SpanCounts(
        name="9",
        first_file=2,
        num_rows={TRAIN_SPLIT: 0, EVAL_SPLIT: 60},
        num_clicks={TRAIN_SPLIT: 0, EVAL_SPLIT: 20},
    )


def test_ingest_of_files_without_spans_counts_none(tmp_path):
    assert run_ingest(tmp_path, [write(tmp_path / "a.tsv", lines(100))], CONFIG).spans == ()


@pytest.mark.parametrize("block_bytes", [1024, 1500, 2**20])
@pytest.mark.parametrize("suffix", [".tsv", ".tsv.gz"])
def test_ingest_gives_the_same_for_every_block_size(tmp_path, block_bytes, suffix):
    content = lines(200)
    content[17] = b"no row"
    content[160] = content[160].replace(b"\t", b"\tx", 1)
    config = CONFIG.model_copy(update={"block_bytes": block_bytes})
    summary = run_ingest(tmp_path, [write(tmp_path / f"a{suffix}", content)], config)
    expected = [n for n in _expected(content)[EVAL_SPLIT] if n not in (17, 160)]
    assert numbers(tmp_path, EVAL_SPLIT) == expected
    assert [(row["line"], row["reason"]) for row in rejected(tmp_path)] == [
        (18, "1 column, expected 4"),
        (161, "I1 'x160' is not an integer"),
    ]
    assert summary.num_rejected == 2


def test_ingest_quarantines_with_file_line_reason_and_raw_line(tmp_path):
    first, second = lines(50), lines(50, start=50)
    first[49] = line(49, label=7)
    second[0] = b"\xff\xfe\t" + second[0]
    paths = [write(tmp_path / "a.tsv", first), write(tmp_path / "b.tsv", second, b"\r\n")]
    summary = run_ingest(tmp_path, paths, CONFIG)
    assert rejected(tmp_path) == [
        {
            "file": str(paths[0]),
            "line": 50,
            "reason": "click '7', expected 0 or 1",
            "raw": first[49].decode(),
        },
        {
            "file": str(paths[1]),
            "line": 1,
            "reason": "not valid UTF-8 at byte 1",
            "raw": "\\xff\\xfe\t" + line(50).decode(),
        },
    ]
    assert summary.rejected == {"click, expected 0 or 1": 1, "not valid UTF-8": 1}
    assert sorted(path.name for path in (tmp_path / "q").iterdir()) == [
        "rejected_rows.jsonl",
        "summary.json",
    ]


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_ingest_counts_a_header_as_a_line(tmp_path, name):
    click_log = ClickLog.model_validate(
        {
            "format": "csv",
            "header": True,
            "label": {"column": "click"},
            "dense": [{"name": "I1"}],
            "categorical": [{"name": "C1"}],
        }
    )
    content = [b"C1,click,I1", *(f"x,{i % 2},{i}".encode() for i in range(300))]
    content[200] = b"x,1,y"
    run_ingest(tmp_path, [write(tmp_path / name, content)], CONFIG, click_log)
    assert [row["line"] for row in rejected(tmp_path)] == [201]
    assert sum(len(rows(tmp_path, split)) for split in (TRAIN_SPLIT, EVAL_SPLIT)) == 299


def test_ingest_above_max_bad_rate_fails_with_counts_and_the_first_lines(tmp_path):
    content = lines(100)
    for position in range(30):
        content[position] = b"x" * (position + 1)
    path = write(tmp_path / "a.tsv", content)
    with pytest.raises(InputError) as raised:
        run_ingest(tmp_path, [path], ExampleGenConfig(max_bad_rate=0.29))
    message = str(raised.value)
    assert message.startswith(
        "30 of 100 lines (30.00%) are no valid rows, max_bad_rate allows 29.00%. "
        f"All of them are in {tmp_path}/q-failed/rejected_rows.jsonl. The first 20:\n"
        f"  {path}:1: 1 column, expected 4\n"
    )
    assert len(message.splitlines()) == 21
    kept = (tmp_path / "q-failed/rejected_rows.jsonl").read_text().splitlines()
    assert [json.loads(row)["raw"] for row in kept] == [raw.decode() for raw in content[:30]]


def test_ingest_above_max_bad_rate_keeps_the_counts_too(tmp_path):
    path = write(tmp_path / "a.tsv", [*lines(9), b"no row"])
    with pytest.raises(InputError):
        run_ingest(tmp_path, [path], ExampleGenConfig())
    assert json.loads((tmp_path / "q-failed/summary.json").read_text())["num_lines"] == 10


def test_ingest_at_max_bad_rate_goes_on(tmp_path):
    content = [*lines(90), *[b""] * 10]
    config = ExampleGenConfig(max_bad_rate=0.1)
    assert run_ingest(tmp_path, [write(tmp_path / "a.tsv", content)], config).num_rejected == 10


def test_ingest_of_one_class_fails_with_split_and_counts(tmp_path):
    content = [line(number, label=0) for number in range(100)]
    num_train = len(_expected(content)[TRAIN_SPLIT])
    with pytest.raises(
        InputError,
        match=rf"train split has only one class \(0 rows with label 1 and {num_train} with label",
    ):
        run_ingest(tmp_path, [write(tmp_path / "a.tsv", content)], CONFIG)
    assert not (tmp_path / "q-failed").exists()


def test_ingest_of_one_class_keeps_the_lines_that_were_rejected(tmp_path):
    content = [line(number, label=0) for number in range(98)] + [line(98, 7), line(99, 7)]
    with pytest.raises(InputError) as raised:
        run_ingest(tmp_path, [write(tmp_path / "a.tsv", content)], CONFIG)
    kept = tmp_path / "q-failed/rejected_rows.jsonl"
    assert str(raised.value).endswith(f". 2 of 100 lines (2.00%) were rejected, they are in {kept}")
    assert [json.loads(row)["line"] for row in kept.read_text().splitlines()] == [99, 100]


def test_ingest_into_an_empty_split_fails_with_its_name(tmp_path):
    config = ExampleGenConfig(split=SplitConfig(eval_fraction=0.0001))
    with pytest.raises(InputError, match=r"eval split is empty: 20 rows .* eval_fraction 0\.0001"):
        run_ingest(tmp_path, [write(tmp_path / "a.tsv", lines(20))], config)


@pytest.mark.parametrize("method", ["hash", "last_rows"])
def test_ingest_of_a_truncated_gzip_fails_without_words_of_beam(tmp_path, method):
    path = write(tmp_path / "b.tsv.gz", lines(1000))
    path.write_bytes(path.read_bytes()[:-100])
    config = ExampleGenConfig(split=SplitConfig(method=method))
    with pytest.raises(InputError, match=r"b\.tsv\.gz: the gzip data is truncated") as raised:
        run_ingest(tmp_path, [write(tmp_path / "a.tsv", lines(10)), path], config)
    assert "while running" not in str(raised.value)


def test_ingest_again_into_the_same_folders_replaces_what_was_there(tmp_path):
    content = lines(200)
    path = write(tmp_path / "a.tsv", content)
    run_ingest(tmp_path, [path], CONFIG)
    (tmp_path / TRAIN_SPLIT / "block-00000-000099.parquet.tmp").write_text("interrupted")
    run_ingest(tmp_path, [path], CONFIG.model_copy(update={"block_bytes": 2**20}))
    assert numbers(tmp_path, TRAIN_SPLIT) == _expected(content)[TRAIN_SPLIT]
    names = [path.name for path in (tmp_path / TRAIN_SPLIT).iterdir()]
    assert names == ["block-00000-000000.parquet"]


def test_ingest_reports_rows_as_blocks_get_done(tmp_path, caplog):
    path = write(tmp_path / "a.tsv", lines(300))
    with caplog.at_level(logging.INFO, PROGRESS_LOGGER):
        run_ingest(tmp_path, [path], CONFIG)
    messages = _messages(caplog)
    assert messages[-1] == "300 rows"
    assert len(messages) > 5


def test_ingest_reports_the_survey_first(tmp_path, caplog):
    path = write(tmp_path / "a.tsv", lines(300))
    config = ExampleGenConfig(split=SplitConfig(method="last_rows"))
    with caplog.at_level(logging.INFO, PROGRESS_LOGGER):
        run_ingest(tmp_path, [path], config)
    assert _messages(caplog) == ["surveyed 300 rows", "300 rows", "300 rows"]


def test_ingest_reports_last_how_many_lines_were_rejected_and_where_they_are(tmp_path, caplog):
    path = write(tmp_path / "a.tsv", [*lines(1499), b"no row"])
    with caplog.at_level(logging.INFO, PROGRESS_LOGGER):
        run_ingest(tmp_path, [path], ExampleGenConfig())
    expected = f"1,499 rows, 1 rejected ({tmp_path}/q/rejected_rows.jsonl)"
    assert _messages(caplog)[-1] == expected


def test_ingest_of_real_rows_loses_none(tmp_path: Path, real_rows: Path):
    config = ExampleGenConfig(block_bytes=2**20, max_bad_rate=0)
    summary = run_ingest(tmp_path, [real_rows], config, CRITEO)
    assert sum(summary.num_rows.values()) == 10_000
    assert sum(summary.num_clicks.values()) == 265
    with real_rows.open("rb") as file:
        in_eval = [raw for raw in file if slow_is_eval(raw[:-1], 0.2)]
    assert summary.num_rows[EVAL_SPLIT] == len(in_eval)
    written = rows(tmp_path, EVAL_SPLIT)
    assert [row["C1"] or b"" for row in written] == [raw.split(b"\t")[14] for raw in in_eval]

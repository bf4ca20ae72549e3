"""Selections that depend on the whole log, through real Beam."""

import json
import zlib
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.errors import InputError
from components.example_gen.config import ExampleGenConfig, SplitConfig
from components.example_gen.ingest import ingest
from components.example_gen.survey import TimeCounts
from schemas.click_log import EVAL_SPLIT, SPLITS, TRAIN_SPLIT, ClickLog
from tests.components.example_gen.small_log import (
    CLICK_LOG,
    line,
    lines,
    numbers,
    rejected,
    run_ingest,
    slow_is_eval,
    slow_mix,
    write,
)

_BLOCK_SIZES = [1024, 2**20]


def _config(method: str, **values: object) -> ExampleGenConfig:
    split = SplitConfig(method=method, eval_fraction=0.25)
    return ExampleGenConfig.model_validate({"split": split, "max_bad_rate": 0.5, **values})


def _two_files(root: Path, content: list[bytes]) -> list[Path]:
    middle = len(content) // 3
    return [
        write(root / "a.tsv", content[:middle]),
        write(root / "b.tsv.gz", content[middle:]),
    ]


@pytest.mark.parametrize("block_bytes", _BLOCK_SIZES)
def test_last_rows_are_the_last_valid_ones_in_file_and_line_order(tmp_path, block_bytes):
    content = lines(400)
    bad = {5, 130, 131, 290, 399}
    for position in bad:
        content[position] = b"no row"
    config = _config("last_rows", block_bytes=block_bytes)
    run_ingest(tmp_path, _two_files(tmp_path, content), config)
    valid = [number for number in range(400) if number not in bad]
    # 395 / 4 = 98.75 rounds to 99.
    assert numbers(tmp_path, TRAIN_SPLIT) == valid[:-99]
    assert numbers(tmp_path, EVAL_SPLIT) == valid[-99:]


@pytest.mark.parametrize("block_bytes", _BLOCK_SIZES)
def test_last_rows_of_parquet_are_counted_over_row_groups(tmp_path, block_bytes):
    columns = {
        "click": [number % 2 for number in range(400)],
        "I1": list(range(400)),
        "C1": [f"{number:x}" for number in range(400)],
        "hour": [0] * 400,
    }
    columns["click"][399] = 7
    # Groups that are larger than a small block, and many that are smaller than a large one.
    pq.write_table(pa.table(columns), tmp_path / "a.parquet", row_group_size=170)
    click_log = ClickLog.model_validate({**CLICK_LOG.model_dump(), "format": "parquet"})
    config = _config("last_rows", block_bytes=block_bytes)
    run_ingest(tmp_path, [tmp_path / "a.parquet"], config, click_log)
    assert numbers(tmp_path, EVAL_SPLIT) == list(range(299, 399))
    assert numbers(tmp_path, TRAIN_SPLIT) == list(range(299))
    assert [row["line"] for row in rejected(tmp_path)] == [400]


@pytest.mark.parametrize("block_bytes", _BLOCK_SIZES)
def test_time_puts_the_latest_rows_into_eval_wherever_they_stand(tmp_path, block_bytes):
    # Hours fall as numbers grow, so the eval rows stand first. 100 rows of 400 in hours 30 to 39.
    content = [line(number, hour=39 - number // 10) for number in range(400)]
    config = _config("time", block_bytes=block_bytes)
    run_ingest(tmp_path, _two_files(tmp_path, content), config)
    assert numbers(tmp_path, EVAL_SPLIT) == list(range(100))
    assert numbers(tmp_path, TRAIN_SPLIT) == list(range(100, 400))


def _version_of_slow_twin(content: list[bytes], size_bytes: int) -> tuple[int, set[int]]:
    """Returns the bytes and the numbers of the largest version with equal shares of clicks."""
    by_label: list[list[tuple[int, int, int]]] = [[], []]
    salt = slow_mix(1 << 32 | 0)
    for number, raw in enumerate(content):
        bucket = slow_mix(zlib.crc32(raw) + salt) >> 44
        by_label[raw[0] - ord("0")].append((bucket, len(raw) + 1, number))
    negatives, clicks = map(sorted, by_label)
    share = len(clicks) / len(content)
    best: tuple[int, float, int, int] = (0, 0.0, 0, 0)
    click_bytes = 0
    for num_clicks in range(len(clicks) + 1):
        click_bytes += clicks[num_clicks - 1][1] if num_clicks else 0
        size = click_bytes
        for num_negatives in range(len(negatives) + 1):
            size += negatives[num_negatives - 1][1] if num_negatives else 0
            taken = max(num_clicks + num_negatives, 1)
            distance = abs(num_clicks / taken - share)
            if size <= size_bytes and distance <= 0.001:
                best = max(best, (size, -distance, num_clicks, num_negatives))
    size, _, num_clicks, num_negatives = best
    return size, {row[2] for row in clicks[:num_clicks] + negatives[:num_negatives]}


@pytest.mark.parametrize("block_bytes", _BLOCK_SIZES)
def test_version_has_the_rows_of_the_slow_twin(tmp_path, block_bytes):
    # 997 is prime: no share lies on the edge of what is allowed.
    content = lines(997)
    config = _config("hash", size_megabytes=0.007, block_bytes=block_bytes)
    summary = run_ingest(tmp_path, _two_files(tmp_path, content), config)
    size, expected = _version_of_slow_twin(content, 7000)
    found = numbers(tmp_path, TRAIN_SPLIT) + numbers(tmp_path, EVAL_SPLIT)
    assert sorted(found) == sorted(expected)
    assert summary.version["num_bytes"] == size


def test_version_keeps_the_split_of_the_whole_log(tmp_path):
    content = lines(1000)
    run_ingest(tmp_path, _two_files(tmp_path, content), _config("last_rows", size_megabytes=0.007))
    eval_numbers, train_numbers = numbers(tmp_path, EVAL_SPLIT), numbers(tmp_path, TRAIN_SPLIT)
    assert max(train_numbers) < 750 <= min(eval_numbers)
    assert 50 < len(eval_numbers) < 150


def test_version_is_spread_over_the_whole_log(tmp_path):
    config = _config("hash", size_megabytes=0.05)
    run_ingest(tmp_path, [write(tmp_path / "a.tsv", lines(10_000))], config)
    found = np.array(numbers(tmp_path, TRAIN_SPLIT) + numbers(tmp_path, EVAL_SPLIT))
    tenths = np.bincount(found // 1000, minlength=10)
    # A binomial count of 1,000 rows with a share near 0.26 deviates by 14; five of those.
    assert np.abs(tenths - len(found) / 10).max() < 70


def test_version_larger_than_the_log_fails_with_its_size(tmp_path):
    path = write(tmp_path / "a.tsv", [line(1000 + number) for number in range(100)])
    size = path.stat().st_size
    with pytest.raises(InputError, match=rf"but the log has only {size / 1e6:.10g} megabytes"):
        run_ingest(tmp_path, [path], _config("hash", size_megabytes=1))


def test_survey_of_bad_lines_fails_with_them_and_not_with_the_selection(tmp_path):
    path = write(tmp_path / "a.tsv", [b"no row"] * 50)
    with pytest.raises(InputError, match=r"^50 of 50 lines \(100\.00%\) are no valid rows"):
        run_ingest(tmp_path, [path], _config("time", size_megabytes=1))
    assert len((tmp_path / "q-failed/rejected_rows.jsonl").read_text().splitlines()) == 50


def test_file_that_changes_between_the_passes_fails_with_its_name(tmp_path):
    path = write(tmp_path / "a.tsv", lines(100))
    made = []

    def make_pipeline() -> beam.Pipeline:
        made.append(write(path, lines(100 - len(made))))
        return beam.Pipeline()

    uris = {split: str(tmp_path / split) for split in SPLITS}
    with pytest.raises(InputError, match=r"a\.tsv changed while it was read"):
        ingest([str(path)], uris, str(tmp_path / "q"), _config("time"), CLICK_LOG, make_pipeline)


def test_negatives_are_sampled_in_train_only(tmp_path):
    content = lines(3000)
    config = _config("hash", negative_sampling_rate=0.3, sample_seed=8)
    summary = run_ingest(tmp_path, [write(tmp_path / "a.tsv", content)], config)
    salt = slow_mix(2 << 32 | 8)
    in_eval = [slow_is_eval(raw, 0.25) for raw in content]
    expected = [
        number
        for number, raw in enumerate(content)
        if not in_eval[number]
        and (raw[0] == ord("1") or slow_mix(zlib.crc32(raw) + salt) >> 11 < 0.3 * 2**53)
    ]
    assert numbers(tmp_path, TRAIN_SPLIT) == expected
    assert summary.num_rows == {TRAIN_SPLIT: len(expected), EVAL_SPLIT: sum(in_eval)}
    assert summary.num_rows_before_sampling == {
        TRAIN_SPLIT: 3000 - sum(in_eval),
        EVAL_SPLIT: sum(in_eval),
    }


def test_negative_sampling_keeps_the_asked_share(tmp_path):
    config = _config("hash", negative_sampling_rate=0.2)
    summary = run_ingest(tmp_path, [write(tmp_path / "a.tsv", lines(9000))], config)
    clicks = summary.num_clicks[TRAIN_SPLIT]
    kept = summary.num_rows[TRAIN_SPLIT] - clicks
    before = summary.num_rows_before_sampling[TRAIN_SPLIT] - clicks
    # 4,500 negatives: five standard deviations are 0.03.
    assert abs(kept / before - 0.2) < 0.03


def test_last_span_evaluates_on_the_newest(tmp_path):
    paths = [write(tmp_path / f"day_{day}.tsv", lines(30, start=day * 100)) for day in (3, 5, 6)]
    config = _config("last_span", window_spans=3)
    run_ingest(tmp_path, paths, config, spans=[3, 5, 6])
    assert numbers(tmp_path, EVAL_SPLIT) == list(range(600, 630))
    assert numbers(tmp_path, TRAIN_SPLIT) == [*range(300, 330), *range(500, 530)]


@pytest.mark.parametrize("method", ["last_rows", "time"])
def test_threads_and_block_sizes_change_nothing(tmp_path, method):
    content = lines(600)
    for position in range(0, 600, 50):
        content[position] = f"bad {position}".encode()
    paths = _two_files(tmp_path, content)
    values = {"size_megabytes": 0.008, "negative_sampling_rate": 0.5}
    results = {}
    runs = [("in_memory", 1024), ("in_memory", 2**20), ("multi_threading", 1024)]
    for mode, block_bytes in runs:
        root = tmp_path / f"{mode}-{block_bytes}"
        config = _config(method, block_bytes=block_bytes, **values)
        options = {"direct_running_mode": mode, "direct_num_workers": 2}
        summary = run_ingest(root, paths, config, **options)
        results[root.name] = json.dumps(
            [summary, [numbers(root, split) for split in SPLITS], rejected(root)]
        )
    assert len(results) == 3
    assert len(set(results.values())) == 1


def test_time_counts_are_those_of_numpy_however_they_come():
    times = np.random.default_rng(0).integers(-50, 50, 3000)
    counts = TimeCounts()
    counts.add(np.empty(0, np.int64), np.empty(0, np.int64))
    for part in np.split(times, [100, 101, 2000]):
        counts.add(*np.unique(part, return_counts=True))
        counts.totals()
    for found, expected in zip(counts.totals(), np.unique(times, return_counts=True), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_time_counts_merge_by_themselves_when_many_wait():
    counts = TimeCounts()
    for _ in range(40):
        counts.add(np.arange(5000), np.ones(5000, np.int64))
    # 40 parts of 5,000 are more than 65,536 that may wait.
    assert len(counts._pending) < 14
    assert counts.totals()[1].tolist() == [40] * 5000

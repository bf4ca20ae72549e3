"""The component in real TFX: its node, its cache key and what it leaves behind."""

import json
import os
from pathlib import Path

import pytest
from tfx import v1 as tfx
from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.components.util import examples_utils
from tfx.orchestration import metadata
from tfx.types import artifact_utils, standard_artifacts

from components import parquet
from components.errors import InputError
from components.example_gen.component import ClickLogExampleGen, split_pattern
from components.example_gen.config import ExampleGenConfig, SplitConfig
from schemas.click_log import EVAL_SPLIT, SPLITS, TRAIN_SPLIT, ClickLog, raw_arrow_schema
from schemas.spans import SPANS_PROPERTY, spans_from_json
from tests.components.example_gen.small_log import CLICK_LOG, lines, write

CONFIG = ExampleGenConfig(split=SplitConfig(eval_fraction=0.3))
WINDOW = ExampleGenConfig(split=SplitConfig(method="last_span"), window_spans=2)


def _pipeline(root: Path, data: str, config: ExampleGenConfig = CONFIG) -> tfx.dsl.Pipeline:
    return tfx.dsl.Pipeline(
        pipeline_name="ingest",
        pipeline_root=str(root / "artifacts"),
        components=[ClickLogExampleGen(data, CLICK_LOG, config)],
        enable_cache=True,
        metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
            str(root / "metadata.sqlite")
        ),
    )


def _run(root: Path, data: str, config: ExampleGenConfig = CONFIG) -> None:
    tfx.orchestration.LocalDagRunner().run(_pipeline(root, data, config))


def _executions(root: Path) -> list[str]:
    """Returns the state of each execution in order: COMPLETE, CACHED or FAILED."""
    connection = metadata.sqlite_metadata_connection_config(str(root / "metadata.sqlite"))
    with metadata.Metadata(connection) as handle:
        executions = handle.store.get_executions()
        return [
            execution.State.Name(execution.last_known_state)
            for execution in sorted(executions, key=lambda execution: execution.id)
        ]


def _latest_examples(root: Path) -> standard_artifacts.Examples:
    connection = metadata.sqlite_metadata_connection_config(str(root / "metadata.sqlite"))
    with metadata.Metadata(connection) as handle:
        proto = max(handle.store.get_artifacts_by_type("Examples"), key=lambda a: a.id)
        return artifact_utils.deserialize_artifact(
            handle.store.get_artifact_type("Examples"), proto
        )


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("/data/day_0.tsv", ("/data/", "day_0.tsv")),
        ("/data/day_*/part-?.gz", ("/data/", "day_*/part-?.gz")),
        ("/data/span-{SPAN}/x*", ("/data/", "span-{SPAN}/x*")),
        ("gs://bucket/day_0*", ("gs://bucket/", "day_0*")),
        ("day_0.tsv", (".", "day_0.tsv")),
        ("/day_0.tsv", ("/", "day_0.tsv")),
    ],
)
def test_split_pattern_keeps_wildcards_out_of_the_folder(data, expected):
    assert split_pattern(data) == expected


def test_component_is_known_to_the_vertex_compiler_as_file_based():
    component = ClickLogExampleGen("/data/*.tsv", CLICK_LOG, CONFIG)
    assert isinstance(component, FileBasedExampleGen)
    assert component.id == "ClickLogExampleGen"
    assert sorted(component.outputs) == ["examples", "quarantine"]


def test_run_writes_parquet_that_tfx_recognizes(tmp_path):
    write(tmp_path / "day.tsv", lines(100))
    _run(tmp_path, str(tmp_path / "day.tsv"))
    examples = _latest_examples(tmp_path)
    assert artifact_utils.decode_split_names(examples.split_names) == [TRAIN_SPLIT, EVAL_SPLIT]
    assert examples_utils.get_payload_format_string(examples) == "FORMAT_PARQUET"
    assert examples_utils.get_file_format(examples) == "FILE_FORMAT_PARQUET"
    num_rows = 0
    for split in (TRAIN_SPLIT, EVAL_SPLIT):
        for path in parquet.list_files(artifact_utils.get_split_uri([examples], split)):
            table = parquet.read_table(path)
            assert table.schema == raw_arrow_schema(CLICK_LOG)
            num_rows += table.num_rows
    assert num_rows == 100


def test_second_run_is_cached_until_a_file_or_the_config_changes(tmp_path):
    content = lines(100)
    data = write(tmp_path / "day_0.tsv", content)
    pattern = str(tmp_path / "day_*.tsv")
    _run(tmp_path, pattern)
    _run(tmp_path, pattern)
    assert _executions(tmp_path) == ["COMPLETE", "CACHED"]
    # Equal size and equal second of change: only the exact time tells.
    changed = data.stat().st_mtime_ns
    write(data, content[::-1])
    os.utime(data, ns=(changed, changed + 1))
    _run(tmp_path, pattern)
    assert _executions(tmp_path)[2:] == ["COMPLETE"]
    _run(tmp_path, pattern, ExampleGenConfig(split=SplitConfig(eval_fraction=0.4)))
    assert _executions(tmp_path)[3:] == ["COMPLETE"]


def _numbers(root: Path, split: str) -> list[int]:
    """Returns the `I1` of the rows of the latest examples."""
    uri = artifact_utils.get_split_uri([_latest_examples(root)], split)
    return [
        n for path in parquet.list_files(uri) for n in parquet.read_table(path)["I1"].to_pylist()
    ]


def test_span_pattern_takes_the_latest_span(tmp_path):
    write(tmp_path / "day_9.tsv", lines(100))
    write(tmp_path / "day_10.tsv", lines(80, start=100))
    _run(tmp_path, str(tmp_path / "day_{SPAN}.tsv"))
    assert _latest_examples(tmp_path).get_int_custom_property("span") == 10
    found = [number for split in SPLITS for number in _numbers(tmp_path, split)]
    assert sorted(found) == list(range(100, 180))


def test_window_of_spans_is_read_together_and_split_by_its_newest(tmp_path):
    for day in (8, 9, 11):
        write(tmp_path / f"day_{day}.gz", lines(30, start=100 * day))
    _run(tmp_path, str(tmp_path / "day_{SPAN}.gz"), WINDOW)
    examples = _latest_examples(tmp_path)
    assert examples.get_int_custom_property("span") == 11
    spans = spans_from_json(examples.get_string_custom_property(SPANS_PROPERTY))
    assert [(span.name, span.first_file) for span in spans] == [("9", 0), ("11", 1)]
    assert _numbers(tmp_path, TRAIN_SPLIT) == list(range(900, 930))
    assert _numbers(tmp_path, EVAL_SPLIT) == list(range(1100, 1130))


def test_window_of_spans_is_cached_until_one_of_its_files_changes(tmp_path):
    paths = [write(tmp_path / f"day_{day}", lines(30, start=100 * day)) for day in (1, 2, 3)]
    pattern = str(tmp_path / "day_{SPAN}")
    _run(tmp_path, pattern, WINDOW)
    os.utime(paths[0], ns=(0, 0))  # not in the window
    _run(tmp_path, pattern, WINDOW)
    assert _executions(tmp_path) == ["COMPLETE", "CACHED"]
    os.utime(paths[1], ns=(0, 0))  # in the window, not its newest
    _run(tmp_path, pattern, WINDOW)
    assert _executions(tmp_path)[2:] == ["COMPLETE"]


def test_run_with_too_few_spans_fails_with_those_found(tmp_path):
    write(tmp_path / "day_3", lines(30))
    with pytest.raises(InputError, match=r"1 of the 2 spans .* \(found: 3\)"):
        _run(tmp_path, str(tmp_path / "day_{SPAN}"), WINDOW)
    assert _executions(tmp_path) == ["FAILED"]


@pytest.mark.parametrize(
    ("data", "config", "problem"),
    [
        ("/data/*", WINDOW, "'last_span' needs spans: put {SPAN} into the data pattern"),
        ("/data/*", ExampleGenConfig(window_spans=2), "window_spans is 2, but the data pattern"),
        ("/data/{SPAN}{SPAN}", CONFIG, "file pattern {SPAN}{SPAN}: each placeholder"),
    ],
)
def test_settings_that_do_not_suit_the_pattern_fail_before_any_step(data, config, problem):
    with pytest.raises(InputError) as raised:
        ClickLogExampleGen(data, CLICK_LOG, config)
    assert problem in str(raised.value)


def test_split_by_time_fails_before_any_step_without_a_time_column():
    timeless = ClickLog.model_validate({**CLICK_LOG.model_dump(), "time_column": None})
    config = ExampleGenConfig(split=SplitConfig(method="time"))
    with pytest.raises(InputError, match="name the log's time_column in its schema file"):
        ClickLogExampleGen("/data/*", timeless, config)


@pytest.mark.parametrize("pattern", ["nothing-*.tsv", "{SPAN:1}-{VERSION}"])
def test_run_without_a_matching_file_fails_with_the_pattern(tmp_path, pattern):
    with pytest.raises(InputError) as raised:
        _run(tmp_path, f"{tmp_path}/{pattern}")
    assert str(raised.value) == f"no file matches {tmp_path}/{pattern}"
    assert _executions(tmp_path) == ["FAILED"]


def test_run_with_too_many_bad_lines_fails_with_an_input_error(tmp_path):
    write(tmp_path / "day.tsv", [*lines(99), b"no row"])
    with pytest.raises(InputError, match=r"day\.tsv:100: 1 column, expected 4"):
        _run(tmp_path, str(tmp_path / "day.tsv"))
    assert _executions(tmp_path) == ["FAILED"]


def test_run_with_too_many_bad_lines_leaves_the_file_that_the_message_names(tmp_path):
    write(tmp_path / "day.tsv", [*lines(99), b"no row"])
    with pytest.raises(InputError) as raised:
        _run(tmp_path, str(tmp_path / "day.tsv"))
    (kept,) = (tmp_path / "artifacts").rglob("rejected_rows.jsonl")
    assert f" are in {kept}. " in str(raised.value)
    assert json.loads(kept.read_text())["raw"] == "no row"

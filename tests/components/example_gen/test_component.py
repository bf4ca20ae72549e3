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
from components.example_gen.config import ExampleGenConfig
from schemas.criteo import EVAL_SPLIT, TRAIN_SPLIT, raw_arrow_schema
from tests.components.example_gen.click_log_lines import valid_lines

CONFIG = ExampleGenConfig(eval_fraction=0.3)


def _write(path: Path, lines: list[bytes]) -> Path:
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def _pipeline(root: Path, data: str, config: ExampleGenConfig = CONFIG) -> tfx.dsl.Pipeline:
    return tfx.dsl.Pipeline(
        pipeline_name="ingest",
        pipeline_root=str(root / "artifacts"),
        components=[ClickLogExampleGen(data, config)],
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
    component = ClickLogExampleGen("/data/*.tsv", CONFIG)
    assert isinstance(component, FileBasedExampleGen)
    assert component.id == "ClickLogExampleGen"
    assert sorted(component.outputs) == ["examples", "quarantine"]


def test_run_writes_parquet_that_tfx_recognizes(tmp_path):
    _write(tmp_path / "day.tsv", valid_lines(100))
    _run(tmp_path, str(tmp_path / "day.tsv"))
    examples = _latest_examples(tmp_path)
    assert artifact_utils.decode_split_names(examples.split_names) == [TRAIN_SPLIT, EVAL_SPLIT]
    assert examples_utils.get_payload_format_string(examples) == "FORMAT_PARQUET"
    assert examples_utils.get_file_format(examples) == "FILE_FORMAT_PARQUET"
    num_rows = 0
    for split in (TRAIN_SPLIT, EVAL_SPLIT):
        for path in parquet.list_files(artifact_utils.get_split_uri([examples], split)):
            table = parquet.read_table(path)
            assert table.schema == raw_arrow_schema()
            num_rows += table.num_rows
    assert num_rows == 100


def test_second_run_is_cached_until_a_file_or_the_config_changes(tmp_path):
    lines = valid_lines(100)
    data = _write(tmp_path / "day_0.tsv", lines)
    pattern = str(tmp_path / "day_*.tsv")
    _run(tmp_path, pattern)
    _run(tmp_path, pattern)
    assert _executions(tmp_path) == ["COMPLETE", "CACHED"]
    # Equal size and equal second of change: only the exact time tells.
    changed = data.stat().st_mtime_ns
    _write(data, lines[::-1])
    os.utime(data, ns=(changed, changed + 1))
    _run(tmp_path, pattern)
    assert _executions(tmp_path)[2:] == ["COMPLETE"]
    _run(tmp_path, pattern, ExampleGenConfig(eval_fraction=0.4))
    assert _executions(tmp_path)[3:] == ["COMPLETE"]


def test_span_pattern_takes_the_latest_span(tmp_path):
    _write(tmp_path / "day-1.tsv", valid_lines(100))
    _write(tmp_path / "day-2.tsv", valid_lines(80))
    _run(tmp_path, str(tmp_path / "day-{SPAN}.tsv"))
    examples = _latest_examples(tmp_path)
    assert examples.get_int_custom_property("span") == 2
    files = [
        path
        for split in (TRAIN_SPLIT, EVAL_SPLIT)
        for path in parquet.list_files(artifact_utils.get_split_uri([examples], split))
    ]
    assert sum(map(parquet.count_rows, files)) == 80


def test_run_without_a_matching_file_fails_with_the_pattern(tmp_path):
    with pytest.raises(InputError, match=r"no file matches .*nothing-\*\.tsv"):
        _run(tmp_path, str(tmp_path / "nothing-*.tsv"))
    assert _executions(tmp_path) == ["FAILED"]


def test_run_with_too_many_bad_lines_fails_with_an_input_error(tmp_path):
    _write(tmp_path / "day.tsv", [*valid_lines(99), b"no row"])
    with pytest.raises(InputError, match=r"day\.tsv:100: 1 column, expected 40"):
        _run(tmp_path, str(tmp_path / "day.tsv"))
    assert _executions(tmp_path) == ["FAILED"]


def test_run_with_too_many_bad_lines_leaves_the_file_that_the_message_names(tmp_path):
    _write(tmp_path / "day.tsv", [*valid_lines(99), b"no row"])
    with pytest.raises(InputError) as raised:
        _run(tmp_path, str(tmp_path / "day.tsv"))
    (kept,) = (tmp_path / "artifacts").rglob("rejected_rows.jsonl")
    assert f" are in {kept}. " in str(raised.value)
    assert json.loads(kept.read_text())["raw"] == "no row"

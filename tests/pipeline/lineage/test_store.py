"""Reading the database."""

import hashlib
import multiprocessing
from pathlib import Path

import pytest

from pipeline.lineage.store import NoMetadataError, read_snapshot
from tests.pipeline.lineage.conftest import Recorded
from tests.pipeline.lineage.tfx_store import TfxStore


def test_read_snapshot_finds_runs_in_order(recorded: Recorded) -> None:
    assert [(run.id, run.pipeline) for run in recorded.snapshot.runs] == [
        ("run-1", "dlrm-approx"),
        ("run-2", "dlrm-approx"),
        ("run-3", "dlrm-approx"),
    ]


def test_read_snapshot_strips_the_pipeline_from_node_ids(recorded: Recorded) -> None:
    execution = recorded.snapshot.executions[recorded.made["full"]["execution"]]
    assert (execution.node, execution.run_id, execution.state) == (
        "Trainer_full",
        "run-1",
        "complete",
    )


def test_read_snapshot_decodes_json_inside_json(recorded: Recorded) -> None:
    execution = recorded.snapshot.executions[recorded.made["hashing"]["execution"]]
    assert execution.properties["custom_config"]["config"] == {
        "variant": "hashing",
        "seed": 3,
        "bottom_mlp": [64, 16],
    }


def test_read_snapshot_keeps_text_that_only_looks_like_json(tmp_path: Path) -> None:
    store = TfxStore(tmp_path)
    store.start_run("run")
    step = store.step("Transform", config="{not json", null="null")
    properties = read_snapshot(tmp_path).executions[step["execution"]].properties
    assert properties == {"config": "{not json", "null": "null"}


def test_read_snapshot_hides_internal_properties_but_the_error(tmp_path: Path) -> None:
    store = TfxStore(tmp_path)
    store.start_run("run")
    internal = {"__schema__config__": "{}", "__execution_result__": {"code": 1}}
    step = store.step("Transform", config="a", **internal)
    properties = read_snapshot(tmp_path).executions[step["execution"]].properties
    assert properties == {"config": "a", "execution_result": {"code": 1}}


def test_read_snapshot_of_an_empty_database_is_empty(tmp_path: Path) -> None:
    TfxStore(tmp_path)
    snapshot = read_snapshot(tmp_path)
    assert (snapshot.artifacts, snapshot.executions, snapshot.runs) == ({}, {}, ())


def test_producer_of_a_cached_artifact_is_the_complete_execution(recorded: Recorded) -> None:
    made = recorded.made
    producer = recorded.snapshot.producer(made["full/2"]["model"])
    assert made["full/2"]["model"] == made["full"]["model"]
    assert producer is not None and producer.id == made["full"]["execution"]


def test_read_snapshot_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    TfxStore(tmp_path).start_run("run")
    before = {path.name: hashlib.sha256(path.read_bytes()).digest() for path in tmp_path.iterdir()}
    read_snapshot(tmp_path)
    after = {path.name: hashlib.sha256(path.read_bytes()).digest() for path in tmp_path.iterdir()}
    assert after == before


def test_read_snapshot_without_database_creates_none(tmp_path: Path) -> None:
    with pytest.raises(NoMetadataError, match=r"metadata\.sqlite; expected the root folder"):
        read_snapshot(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_read_snapshot_without_folder_creates_none(tmp_path: Path) -> None:
    with pytest.raises(NoMetadataError, match="absent is not a folder"):
        read_snapshot(tmp_path / "absent")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no database " * 100])
def test_read_snapshot_of_another_file_says_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "metadata.sqlite"
    path.write_bytes(content)
    with pytest.raises(NoMetadataError, match="cannot read the ML Metadata database"):
        read_snapshot(tmp_path)
    assert path.read_bytes() == content


def _write_steps(root: Path, num_steps: int) -> None:
    store = TfxStore(root)
    store.start_run("run")
    for _ in range(num_steps):
        store.step("Transform", outputs={"transform_graph": ("TransformGraph", {})})


def test_read_snapshot_while_a_run_writes_is_whole(tmp_path: Path) -> None:
    TfxStore(tmp_path)
    context = multiprocessing.get_context("spawn")
    writer = context.Process(target=_write_steps, args=(tmp_path, 30))
    writer.start()
    while writer.is_alive():
        snapshot = read_snapshot(tmp_path)
        linked = {link.artifact_id for e in snapshot.executions.values() for link in e.outputs}
        assert linked <= set(snapshot.artifacts)
    writer.join()
    assert writer.exitcode == 0
    assert len(read_snapshot(tmp_path).executions) == 30

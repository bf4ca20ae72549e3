"""From a path or an id to an artifact."""

from pathlib import Path

import pytest

from components.errors import InputError
from pipeline.lineage.find import find_artifact
from pipeline.lineage.store import read_snapshot
from tests.pipeline.lineage.conftest import Recorded
from tests.pipeline.lineage.tfx_store import TfxStore


def _found(recorded: Recorded, text: str) -> int:
    return find_artifact(recorded.snapshot, text, recorded.root).id


@pytest.mark.parametrize("inside", ["", "/", "/saved_model.pb", "/variables/variables.index"])
def test_find_artifact_by_pushed_destination(recorded: Recorded, inside: str) -> None:
    path = f"{recorded.root}/serving_model/1700000001{inside}"
    assert _found(recorded, path) == recorded.made["pusher"]["pushed_model"]


@pytest.mark.parametrize("inside", ["", "/Format-Serving/saved_model.pb"])
def test_find_artifact_by_uri(recorded: Recorded, inside: str) -> None:
    artifact = recorded.made["hashing"]["model"]
    path = recorded.snapshot.artifacts[artifact].uri + inside
    assert _found(recorded, path) == artifact


def test_find_artifact_by_path_relative_to_the_root(recorded: Recorded) -> None:
    path = "serving_model/1700000002"
    assert _found(recorded, path) == recorded.made["pusher/2"]["pushed_model"]


def test_find_artifact_by_path_relative_to_the_working_directory(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    (recorded.root / "serving_model").mkdir(exist_ok=True)
    monkeypatch.chdir(recorded.root / "serving_model")
    assert _found(recorded, "1700000002") == recorded.made["pusher/2"]["pushed_model"]


def test_find_artifact_through_a_link(recorded: Recorded, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(recorded.root)
    path = f"{tmp_path}/link/serving_model/1700000001"
    assert _found(recorded, path) == recorded.made["pusher"]["pushed_model"]


def test_find_artifact_by_id(recorded: Recorded) -> None:
    artifact = recorded.made["evaluator"]["comparison"]
    assert _found(recorded, str(artifact)) == artifact


def test_find_artifact_takes_the_innermost(tmp_path: Path) -> None:
    store = TfxStore(tmp_path)
    store.start_run("run")
    store.step("schema", outputs={"result": ("Schema", {"uri": "gs://bucket/a"})})
    inner = store.step("schema", outputs={"result": ("Schema", {"uri": "gs://bucket/a/b"})})
    snapshot = read_snapshot(tmp_path)
    assert find_artifact(snapshot, "gs://bucket/a/b/c", tmp_path).id == inner["result"]
    assert find_artifact(snapshot, "gs://bucket/a/bc", tmp_path).id != inner["result"]


def test_find_artifact_with_a_shared_destination_takes_the_first(tmp_path: Path) -> None:
    store = TfxStore(tmp_path)
    store.start_run("run")
    model = ("PushedModel", {"pushed": 1, "pushed_destination": "/serving/1"})
    first = store.step("Pusher", outputs={"pushed_model": model})
    store.step("Pusher", outputs={"pushed_model": model})
    found = find_artifact(read_snapshot(tmp_path), "/serving/1", tmp_path)
    assert found.id == first["pushed_model"]


@pytest.mark.parametrize("text", ["999", "/elsewhere/model", "serving_model/17000000010"])
def test_find_artifact_of_the_unknown_says_so(recorded: Recorded, text: str) -> None:
    with pytest.raises(InputError, match=f"no artifact has the id '{text}'"):
        _found(recorded, text)


def test_find_artifact_of_a_folder_around_artifacts_names_them(recorded: Recorded) -> None:
    ids = [recorded.made[name]["pushed_model"] for name in ("pusher", "pusher/2")]
    with pytest.raises(InputError, match=rf"inside it lie the artifacts \[{ids[0]}, {ids[1]}\]"):
        _found(recorded, "serving_model")

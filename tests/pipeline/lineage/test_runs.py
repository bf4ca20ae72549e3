"""One line a run."""

from pathlib import Path

from ml_metadata.proto import metadata_store_pb2 as mlmd

from pipeline.lineage.runs import runs_document
from pipeline.lineage.store import read_snapshot
from tests.pipeline.lineage.conftest import Recorded
from tests.pipeline.lineage.tfx_store import TfxStore


def test_runs_count_executed_and_cached_steps(recorded: Recorded) -> None:
    runs = runs_document(recorded.snapshot)["runs"]
    assert [(run["id"], run["state"], run["num_executed"], run["num_cached"]) for run in runs] == [
        ("run-1", "complete", 7, 0),
        ("run-2", "complete", 2, 5),
        ("run-3", "failed", 0, 0),
    ]


def test_runs_name_the_failed_step(recorded: Recorded) -> None:
    [*_, failed] = runs_document(recorded.snapshot)["runs"]
    execution = recorded.made["full/3"]["execution"]
    assert failed["failed"] == [{"node": "Trainer_full", "execution": execution}]
    assert failed["pushed_model"] is None


def test_runs_name_the_pushed_model(recorded: Recorded) -> None:
    second = runs_document(recorded.snapshot)["runs"][1]
    assert second["pushed_model"] == {
        "artifact": recorded.made["pusher/2"]["pushed_model"],
        "path": str(recorded.root / "serving_model/1700000002"),
        "cached": False,
    }


def _push(store: TfxStore, run_id: str, pushed: object, state: int) -> dict[str, int]:
    store.start_run(run_id)
    return store.step("Pusher", outputs={"pushed_model": pushed}, state=state)


def test_runs_with_a_cached_push_say_so(tmp_path: Path) -> None:
    store = TfxStore(tmp_path)
    model = ("PushedModel", {"pushed": 1, "pushed_destination": "/serving/1"})
    first = _push(store, "run-1", model, mlmd.Execution.COMPLETE)
    _push(store, "run-2", first["pushed_model"], mlmd.Execution.CACHED)
    runs = runs_document(read_snapshot(tmp_path))["runs"]
    assert [run["pushed_model"]["cached"] for run in runs] == [False, True]


def test_runs_without_blessing_are_complete_and_push_nothing(tmp_path: Path) -> None:
    store = TfxStore(tmp_path)
    _push(store, "run-1", ("PushedModel", {"pushed": 0}), mlmd.Execution.COMPLETE)
    [run] = runs_document(read_snapshot(tmp_path))["runs"]
    assert (run["state"], run["pushed_model"]) == ("complete", None)


def test_runs_that_have_not_ended_are_running_or_stopped(tmp_path: Path) -> None:
    store = TfxStore(tmp_path)
    store.start_run("killed")
    killed = store.step("Transform", state=mlmd.Execution.RUNNING)
    store.start_run("between two steps")
    store.step("Transform")
    first, second = runs_document(read_snapshot(tmp_path))["runs"]
    assert (first["state"], second["state"]) == ("stopped", "running")
    assert first["unfinished"] == [{"node": "Transform", "execution": killed["execution"]}]

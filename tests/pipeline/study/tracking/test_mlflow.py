"""Studies in a real MLflow store, a database file."""

import shutil
import sys

import pytest

from components.errors import InputError
from pipeline.study.tracking import track
from tests.pipeline.study.outcome.sample import final_row, key, run_rows, tables

mlflow = pytest.importorskip("mlflow")

FULL = key("1MB/full")
BAD = {**key("1MB/bad", variant="hashing"), "seed": 0, "status": "failed", "error": "no memory"}


def a_study(last=0.4):
    curves = [*run_rows(FULL, [0.5, last], seed=0), *run_rows(FULL, [0.6, last], seed=1), BAD]
    return tables(curves, [final_row(FULL, 0.7)])


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory):
    """A store without runs; MLflow takes seconds to make one."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    mlflow.MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def store(tmp_path, empty_database):
    """The study's folder with a figure, the store's URI, and a client of it."""
    folder = tmp_path / "mine" / "study"
    (folder / "figures").mkdir(parents=True)
    (folder / "figures" / "final.png").write_bytes(b"png")
    (folder / "index.html").write_text("page")
    uri = f"sqlite:///{tmp_path}/store/mlflow.db"
    (tmp_path / "store").mkdir()
    shutil.copy(empty_database, tmp_path / "store")
    return folder, uri, mlflow.MlflowClient(tracking_uri=uri)


def runs_of(client):
    experiment = client.get_experiment_by_name("mine")
    runs = client.search_runs([experiment.experiment_id])
    return {run.info.run_name: run for run in runs}


def test_each_cell_is_a_run_below_the_study(store):
    folder, uri, client = store
    track(folder, *a_study(), uri)
    runs = runs_of(client)
    assert set(runs) == {"mine", "1MB/full", "1MB/bad"}
    parent, full, bad = runs["mine"], runs["1MB/full"], runs["1MB/bad"]
    assert full.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert (full.data.params["batch_size"], full.data.params["variant"]) == ("256.0", "full")
    assert (full.data.metrics["final_auc_roc"], full.info.status) == (0.7, "FINISHED")
    assert (bad.data.tags["error"], bad.info.status) == ("no memory", "FAILED")
    history = client.get_metric_history(full.info.run_id, "eval_logloss")
    # The means of the two seeds: (0.5 + 0.6) / 2 and 0.4.
    assert [(point.step, point.value) for point in history] == [(10, 0.55), (20, 0.4)]
    paths = {item.path for item in client.list_artifacts(parent.info.run_id)}
    assert paths == {"figures", "index.html"}


def test_second_call_changes_nothing(store):
    folder, uri, client = store
    track(folder, *a_study(), uri)
    before = {name: run.info.run_id for name, run in runs_of(client).items()}
    track(folder, *a_study(), uri)
    assert {name: run.info.run_id for name, run in runs_of(client).items()} == before
    assert len(before) == 3


def test_changed_cell_takes_the_place_of_the_old_one(store):
    folder, uri, client = store
    track(folder, *a_study(), uri)
    before = runs_of(client)
    track(folder, *a_study(last=0.3), uri)
    after = runs_of(client)
    assert len(after) == 3
    assert after["1MB/full"].data.metrics["eval_logloss"] == 0.3
    assert after["1MB/full"].info.run_id != before["1MB/full"].info.run_id
    assert after["1MB/bad"].info.run_id == before["1MB/bad"].info.run_id


def test_missing_mlflow_is_said(store, monkeypatch):
    folder, uri, _ = store
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(InputError, match="expected MLflow to be installed"):
        track(folder, *a_study(), uri)


def test_uri_that_is_none_is_said(store):
    folder, _, _ = store
    with pytest.raises(InputError, match="--tracking-uri nowhere://x"):
        track(folder, *a_study(), "nowhere://x")


def test_another_study_of_the_same_name_leaves_this_one_alone(store, tmp_path):
    folder, uri, client = store
    track(folder, *a_study(), uri)
    before = {run.info.run_id for run in runs_of(client).values()}
    other = tmp_path / "elsewhere" / "mine" / "study"
    other.mkdir(parents=True)
    track(other, *a_study(0.3), uri)
    experiment = client.get_experiment_by_name("mine").experiment_id
    after = {run.info.run_id for run in client.search_runs([experiment])}
    assert before < after
    assert len(after) == 6

"""Several machines tune together: processes that TF_CONFIG tells who they are."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from components.trainer.tuning.config import TunerConfig
from components.trainer.tuning.results import TuningResult
from components.trainer.tuning.tune import tune
from tests.components.trainer.small_log import CONFIG

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[4]
MODULE = "tests.components.trainer.tuning.processes.machine"
TASKS = (("chief", 0), ("worker", 0), ("worker", 1))
KILLED = "worker-0"
TUNER = {
    "search": {
        "algorithm": "grid",
        "fields": {
            "embedding_dim": {"values": [2, 3, 4, 5]},
            "top_mlp": {"values": [[8], [16, 8]]},
        },
    }
}


def _arguments(small_log, folder):
    return {
        "trainer": CONFIG.model_dump(mode="json"),
        "config": TUNER,
        "train_patterns": [small_log.train_files[0].replace("a.parquet", "*")],
        "transform_graph_uri": small_log.features_dir,
        "hyperparameters_uri": f"{folder}/hyperparameters",
        "results_uri": f"{folder}/results",
        "journal_uri": f"{folder}/unfinished/journal",
    }


def _free_ports(number):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture(scope="module")
def folder(small_log, tmp_path_factory):
    """A finished search by a chief and two workers, of which one is killed in its first trial."""
    folder = tmp_path_factory.mktemp("machines")
    (folder / "arguments").write_text(json.dumps(_arguments(small_log, folder)))
    addresses = [f"127.0.0.1:{port}" for port in _free_ports(3)]
    cluster = {"chief": addresses[:1], "worker": addresses[1:]}
    processes = {}
    for kind, index in TASKS:
        task = {"type": kind, "index": index}
        processes[f"{kind}-{index}"] = subprocess.Popen(
            [sys.executable, "-m", MODULE, str(folder / "arguments"), KILLED],
            cwd=ROOT,
            env={**os.environ, "TF_CONFIG": json.dumps({"cluster": cluster, "task": task})},
            stdout=(folder / f"{kind}-{index}.log").open("wb"),
            stderr=subprocess.STDOUT,
        )
    try:
        codes = {name: process.wait(timeout=400) for name, process in processes.items()}
    finally:
        for process in processes.values():
            process.kill()
            process.wait()
    (folder / "codes.json").write_text(json.dumps(codes))
    return folder


@pytest.fixture(scope="module")
def together(folder):
    return TuningResult.model_validate_json((folder / "results/tuning.json").read_text())


def _trained(folder, name):
    return (folder / f"arguments.{name}").read_text().splitlines()


def test_all_but_the_killed_machine_end_well(folder):
    codes = json.loads((folder / "codes.json").read_text())
    assert codes == {"chief-0": 0, "worker-0": -9, "worker-1": 0}


def test_worker_runs_trials_and_leaves_the_rest_to_the_chief(folder):
    assert (folder / "worker-1.log").read_text().splitlines()[-1] == "worker-1 worked"
    assert (folder / "chief-0.log").read_text().splitlines()[-1] == "chief-0 found"
    assert "(8,) 4" in _trained(folder, "chief-0")  # as configured
    assert _trained(folder, "worker-1")


def test_every_trial_has_run_once(folder):
    trained = _trained(folder, "chief-0") + _trained(folder, "worker-1")
    combinations = {f"{mlp} {dim}" for dim in (2, 3, 4, 5) for mlp in ("(8,)", "(16, 8)")}
    assert set(trained) == combinations
    assert len(trained) == 8 + 1  # the configured combination is a trial under another name


def test_result_is_that_of_one_machine(together, small_log, tmp_path):
    arguments = _arguments(small_log, tmp_path)
    arguments["trainer"], arguments["config"] = CONFIG, TunerConfig.model_validate(TUNER)
    alone = tune(**arguments)
    assert together.tuned.values == alone.tuned.values
    assert [t.values for t in together.search.trials] == [t.values for t in alone.search.trials]
    losses = [trial.logloss for trial in alone.search.trials]
    assert [t.logloss for t in together.search.trials] == pytest.approx(losses, rel=1e-6)


def test_nothing_unfinished_is_left(folder):
    assert not (folder / "unfinished/journal").exists()
    assert (folder / "results/search.png").exists()

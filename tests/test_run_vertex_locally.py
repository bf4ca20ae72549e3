"""What is sent to Vertex AI, executed: every container's command, against a local run's results.

One run is interrupted, fails for lack of a TPU, and is finished by a third try. It takes two of
three days, Beam steps that are meant for Dataflow, a trainer on two machines, and an endpoint
that is not there.
"""

import fcntl
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from components.evaluator.comparison import Comparison
from components.parquet import list_files, read_table
from components.synthetic.click_log import SyntheticConfig, write_click_log
from pipeline import local_cli
from pipeline.lineage.store import read_snapshot
from pipeline.local_run import _output
from pipeline.vertex import cli

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[1]
LIMIT_SECONDS = 600
NUM_DAYS = 3
# A local run does not heed what is said about Vertex AI.
FLAGS = (
    "--preset=tiny",
    "--set=example_gen.window_spans=2",
    "--set=vertex.dataflow={}",
    "--set=vertex.endpoint={name: clicks}",
)
VARIANTS = "--variants=full,hashing"
ON_TWO_MACHINES = (
    VARIANTS,
    "--set=vertex.trainers.hashing={num_workers: 2}",
    "--set=variants.hashing.device=multi_worker",
)
ON_A_TPU = (
    "--variants=full",
    "--set=vertex.trainers.full={machine_type: ct5lp-hightpu-4t, tpu_topology: 2x2}",
    "--set=variants.full.device=tpu",
    "--set=preflight.enabled=false",  # what is tried is the trainer
)
LINE = re.compile(r"^ +\d+/\d+ (\w+) +[\d.]+ s(?:  (.*))?$", re.MULTILINE)


@pytest.fixture(scope="module")
def pattern(tmp_path_factory):
    """The pattern of a log of three days."""
    folder = tmp_path_factory.mktemp("days")
    write_click_log(SyntheticConfig(rows=4000), folder / "all.tsv")
    lines = (folder / "all.tsv").read_bytes().splitlines(keepends=True)
    for day in range(NUM_DAYS):
        (folder / f"day_{day}.tsv").write_bytes(b"".join(lines[day::NUM_DAYS]))
    return str(folder / "day_{SPAN}.tsv")


@pytest.fixture(scope="module")
def local_root(pattern, tmp_path_factory):
    """A finished local run."""
    root = tmp_path_factory.mktemp("local")
    assert local_cli.main([f"--root={root}", f"--data={pattern}", VARIANTS, *FLAGS]) == 0
    return root


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The folder of the run of the compiled pipeline."""
    return tmp_path_factory.mktemp("vertex")


def _start(root, pattern, *flags):
    arguments = ["run-locally", f"--root={root}", f"--data={pattern}", *FLAGS, *flags]
    return subprocess.Popen(
        [sys.executable, "run_vertex.py", *arguments],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture(scope="module")
def interrupted(root, pattern):
    """What a run said that was interrupted while Transform was at work."""
    run = _start(root, pattern, *ON_TWO_MACHINES)
    end = time.monotonic() + LIMIT_SECONDS
    while not (root / "logs/Transform.log").exists():
        if run.poll() is not None or time.monotonic() > end:
            run.kill()
            pytest.fail(run.communicate()[0])
        time.sleep(0.02)
    run.send_signal(signal.SIGINT)
    said, _ = run.communicate(timeout=LIMIT_SECONDS)
    assert run.returncode == 130, said
    return said


@pytest.fixture(scope="module")
def failed(interrupted, root, pattern):
    """What the next run said: `full` asks for a TPU."""
    run = _start(root, pattern, *ON_A_TPU)
    said, _ = run.communicate(timeout=LIMIT_SECONDS)
    assert run.returncode == 1, said
    return said


@pytest.fixture(scope="module")
def finished(failed, root, pattern):
    """The folder of the run, after a try without that TPU."""
    arguments = [f"--root={root}", f"--data={pattern}", *FLAGS, *ON_TWO_MACHINES]
    assert cli.main(["run-locally", *arguments]) == 0
    return root


def _cached(said):
    return {name for name, outcome in LINE.findall(said) if outcome == "cached"}


def _executed(said):
    return {name for name, outcome in LINE.findall(said) if outcome != "cached"}


def _local_uri(root, step, key):
    snapshot = read_snapshot(root)
    return Path(_output(snapshot, snapshot.runs[-1].id, step, key).uri)


def _uri(root, step, key):
    [folder] = root.glob(f"pipeline_root/*/*/{step}_*/{key}")
    return folder


def _files(folder):
    return {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}


def _comparison(root):
    return Comparison.from_json((root / "report/comparison.json").read_text())


def test_interrupted_run_says_that_it_can_go_on(interrupted):
    assert "interrupted; finished tasks are kept" in interrupted


def test_interrupted_run_leaves_no_process(interrupted, root):
    with (root / "lock").open("w") as file:  # its processes hold the lock
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_next_run_takes_up_what_was_done(interrupted, failed):
    assert {"ExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator"} == _executed(
        interrupted
    )
    assert _cached(failed) == _executed(interrupted)
    assert "Transform" in _executed(failed)


def test_trainer_that_asks_for_a_tpu_fails_the_run_and_says_why(failed, root):
    assert "custom job Trainer_full: 1 x ct5lp-hightpu-4t in the spec" in failed
    assert re.search(r"step Trainer_full: .*device tpu: expected a TPU, TensorFlow sees", failed)
    assert f"log of the step: {root}/logs/Trainer_full.log" in failed


def test_failed_run_pushes_nothing(failed, root):
    assert "Pusher" not in _executed(failed)


@pytest.mark.parametrize(
    ("step", "key"),
    [
        ("ExampleGen", "examples"),
        ("ExampleGen", "quarantine"),
        ("SchemaGen", "schema"),
        ("Transform", "transformed_examples"),
    ],
)
def test_files_are_those_of_a_local_run(finished, local_root, step, key):
    ours, theirs = _files(_uri(finished, step, key)), _files(_local_uri(local_root, step, key))
    assert set(ours) == set(theirs)
    assert [path for path in ours if ours[path].read_bytes() != theirs[path].read_bytes()] == []


def test_vocabulary_is_that_of_a_local_run(finished, local_root):
    ours = _files(_uri(finished, "Transform", "transform_graph"))
    theirs = _files(_local_uri(local_root, "Transform", "transform_graph"))
    [vocabulary] = [path for path in ours if path.parent.name == "assets"]
    assert ours[vocabulary].read_bytes() == theirs[vocabulary].read_bytes()
    assert b"C1:" in ours[vocabulary].read_bytes()


def _predictions(folder, variant):
    parts = [read_table(file, [variant])[variant].to_numpy() for file in list_files(str(folder))]
    return np.concatenate(parts)


@pytest.mark.parametrize(("variant", "tolerance"), [("full", 0), ("hashing", 1e-4)])
def test_predictions_are_those_of_a_local_run(finished, local_root, variant, tolerance):
    """Two machines add up a batch in another order."""
    np.testing.assert_allclose(
        _predictions(_uri(finished, "Evaluator", "predictions"), variant),
        _predictions(_local_uri(local_root, "Evaluator", "predictions"), variant),
        rtol=tolerance,
    )


def test_comparison_is_that_of_a_local_run(finished, local_root):
    ours, theirs = _comparison(finished), _comparison(local_root)
    assert ours.chosen == theirs.chosen
    assert ours.variant("full").metrics == theirs.variant("full").metrics
    for name in ("auc_roc", "logloss"):
        [ours_value, theirs_value] = [
            each.variant("hashing").metrics[name].estimate.value for each in (ours, theirs)
        ]
        assert ours_value == pytest.approx(theirs_value, abs=1e-4)


def test_two_workers_trained_together(finished):
    logs = finished / "logs/Trainer_hashing"
    assert sorted(path.name for path in logs.iterdir()) == [
        "workerpool0-0.log",
        "workerpool1-0.log",
    ]


def test_chosen_model_is_pushed(finished):
    [pushed] = (finished / "pipeline_root/serving_model").iterdir()
    assert (pushed / "saved_model.pb").exists()


def test_second_run_executes_nothing(finished, pattern, capsys):
    arguments = [f"--root={finished}", f"--data={pattern}", *FLAGS, *ON_TWO_MACHINES]
    assert cli.main(["run-locally", *arguments]) == 0
    said = capsys.readouterr().out
    assert len(_cached(said)) == 9
    assert _executed(said) == set()

"""A run that is killed: the next one takes what was finished and does the rest anew."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

from components.parquet import list_files, read_table
from pipeline.lineage.store import read_snapshot
from pipeline.local_cli import main

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[1]
LIMIT_SECONDS = 300
# Enough rows that a step lasts much longer than it takes to see its first file and kill it.
FLAGS = (
    "--preset=tiny",
    "--variants=full",
    "--set=synthetic.rows=60000",
)
# Step -> what shows that it is at work.
KILLED_AT = {
    "ExampleGen": "ExampleGen/examples/*/Split-train/*.parquet",
    "Transform": "Transform/transformed_examples/*/Split-train/*.parquet",
    "Trainer_full": "Trainer_full/model/*",
}


def arguments(root):
    return [f"--root={root}", *FLAGS]


def start(root, output):
    """Starts a run in a process group of its own."""
    with output.open("wb") as stream:
        return subprocess.Popen(
            [sys.executable, "run_local.py", *arguments(root)],
            cwd=PROJECT,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def kill(run):
    with contextlib.suppress(ProcessLookupError):  # it has ended by itself
        os.killpg(run.pid, signal.SIGKILL)
    run.wait()


def finish(run, output):
    """Waits for the end of a run; returns what it said."""
    try:
        status = run.wait(LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        kill(run)
        status = "timeout"
    assert status == 0, output.read_text()
    return output.read_text()


def kill_when_at_work(root, step, output):
    """Starts a run and kills it when the step has begun to write."""
    run = start(root, output)
    end = time.monotonic() + LIMIT_SECONDS
    before = set(root.glob(f"pipeline_root/{KILLED_AT[step]}"))
    while not set(root.glob(f"pipeline_root/{KILLED_AT[step]}")) - before:
        if run.poll() is not None or time.monotonic() > end:
            kill(run)
            pytest.fail(f"{step} wrote nothing:\n{output.read_text()}")
        time.sleep(0.002)
    kill(run)


def outcomes(text):
    """Step -> what the console says at the end of its line."""
    return dict(re.findall(r"^ *\d+/\d+ (\w+) +[\d.]+ s  (?!\.\.\.)(.*)$", text, re.MULTILINE))


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    """The root of a run killed in three steps, one after another, and of an undisturbed one."""
    folder = tmp_path_factory.mktemp("interrupted")
    killed, undisturbed, last = folder / "killed", folder / "undisturbed", folder / "last.txt"
    for step in KILLED_AT:
        kill_when_at_work(killed, step, folder / f"{step}.txt")
    run = start(killed, last)
    try:
        assert main(arguments(undisturbed)) == 0
        finish(run, last)
    finally:
        kill(run)
    return killed, undisturbed


def executions(root, step):
    return [each for each in read_snapshot(root).executions.values() if each.node == step]


def output(root, step, key):
    """The folder that the newest run has as an output of the step."""
    snapshot = read_snapshot(root)
    [artifact] = [
        snapshot.artifacts[link.artifact_id]
        for execution in snapshot.run_executions(snapshot.runs[-1].id)
        for link in execution.outputs
        if (execution.node, link.key) == (step, key)
    ]
    assert artifact.state == "live"
    return Path(artifact.uri)


def rows(folder, split):
    files = list_files(str(folder / f"Split-{split}"))
    return pa.concat_tables([read_table(file) for file in files]).combine_chunks()


@pytest.mark.parametrize("step", KILLED_AT)
def test_killed_step_is_executed_anew(roots, step):
    states = [execution.state for execution in executions(roots[0], step)]
    assert states[:2] == ["running", "complete"]
    assert set(states[2:]) <= {"cached"}


@pytest.mark.parametrize("step", KILLED_AT)
def test_nothing_of_the_killed_execution_is_read(roots, step):
    killed, complete = executions(roots[0], step)[:2]
    snapshot = read_snapshot(roots[0])
    key = Path(KILLED_AT[step]).parts[1]
    leftover = roots[0] / "pipeline_root" / step / key / str(killed.id)
    assert leftover.is_dir()
    assert all(Path(artifact.uri) != leftover for artifact in snapshot.artifacts.values())
    assert output(roots[0], step, key) == leftover.with_name(str(complete.id))


def test_last_run_takes_finished_steps_from_the_cache(roots):
    said = outcomes((roots[0].parent / "last.txt").read_text())
    before = [name for name, outcome in said.items() if outcome == "cached"]
    assert before == list(said)[: list(said).index("Trainer_full")]
    assert {"ExampleGen", "StatisticsGen", "Transform"} <= set(before)
    assert "rows" in said["Trainer_full"]


def test_rows_of_each_split_are_those_of_an_undisturbed_run(roots):
    for split, at_least in (("train", 40_000), ("eval", 8_000)):
        killed, undisturbed = (
            rows(output(root, "ExampleGen", "examples"), split) for root in roots
        )
        assert killed.num_rows > at_least
        assert killed == undisturbed


def test_vocabulary_is_that_of_an_undisturbed_run(roots):
    killed, undisturbed = (
        [path.read_bytes() for path in sorted(folder.glob("transform_fn/assets/*"))]
        for folder in (output(root, "Transform", "transform_graph") for root in roots)
    )
    assert len(killed[0]) > 1000
    assert killed == undisturbed


def test_transformed_rows_are_those_of_an_undisturbed_run(roots):
    for split in ("train", "eval"):
        killed, undisturbed = (
            rows(output(root, "Transform", "transformed_examples"), split) for root in roots
        )
        assert killed == undisturbed


def test_one_model_is_pushed(roots):
    for root in roots:
        assert len(list(root.glob("serving_model/*/saved_model.pb"))) == 1

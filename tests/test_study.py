"""A study that is interrupted and killed ends in the tables of one that was left alone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.lineage.store import read_snapshot
from pipeline.study.journal import read_timings

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[1]
LIMIT_SECONDS = 500
CONFIG = """
preset: tiny
datasets: [400kB]
variants:
  full: {}
  hashing: {embedding: {method: hashing}}
methods:
  learning_rate: {trainer.dense_optimizer.learning_rate: [1.0e+30]}  # diverges
  negative_sampling: {example_gen.negative_sampling_rate: [0.5]}
devices: [cpu, gpu]
seeds: 2
parallel: 2
"""
TIMES = ("seconds", "train_seconds", "train_examples_per_second")


def start(root, output):
    """Starts a study in a process group of its own."""
    config = root.parent / "study.yaml"
    config.write_text(CONFIG)
    command = [sys.executable, "-m", "pipeline.study", f"--config={config}", f"--root={root}"]
    with output.open("wb") as stream:
        return subprocess.Popen(
            command, cwd=PROJECT, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True
        )


def wait_for_trainings(run, root, count, output):
    """Waits until so many trainings have ended and others are at work."""
    end = time.monotonic() + LIMIT_SECONDS
    while len(read_timings(root / "study/timings.jsonl")) < count:
        if run.poll() is not None or time.monotonic() > end:
            pytest.fail(f"{count} trainings did not end:\n{output.read_text()}")
        time.sleep(0.02)


def processes_of_group(group):
    """The processes of a process group."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, group_id = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(group_id) == group and state != "Z":
            found.append(int(stat.parent.name))
    return found


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    """A study that was interrupted, killed with its processes left over, and killed whole."""
    folder = tmp_path_factory.mktemp("study")
    disturbed, undisturbed = folder / "disturbed", folder / "undisturbed"
    said = {}
    for count, how in enumerate(("interrupt", "kill main", "kill all"), start=1):
        output = folder / f"{how}.txt"
        run = start(disturbed, output)
        try:
            wait_for_trainings(run, disturbed, count, output)
            if how == "interrupt":
                run.send_signal(signal.SIGINT)
            elif how == "kill main":
                run.kill()
            else:
                os.killpg(run.pid, signal.SIGKILL)
            said[how] = (run.wait(60), output.read_text())
            end = time.monotonic() + 20
            while processes_of_group(run.pid) and time.monotonic() < end:
                time.sleep(0.1)
            assert processes_of_group(run.pid) == []
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
    for root in (disturbed, undisturbed):
        output = folder / f"{root.name}.txt"
        run = start(root, output)
        try:
            said[root.name] = (run.wait(LIMIT_SECONDS), output.read_text())
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)
    return disturbed, undisturbed, said


def table(root, name):
    rows = pq.read_table(root / f"study/{name}.parquet")
    return rows.drop([column for column in TIMES if column in rows.column_names]).to_pylist()


def test_interrupt_says_that_the_study_goes_on(roots):
    status, text = roots[2]["interrupt"]
    assert status == 130
    assert "error: interrupted; finished trainings are kept" in text
    assert "Traceback" not in text


def test_tables_are_those_of_an_undisturbed_study(roots):
    disturbed, undisturbed, said = roots
    assert [said[root.name][0] for root in (disturbed, undisturbed)] == [1, 1], said
    for name in ("curves", "finals"):
        assert table(disturbed, name) == table(undisturbed, name)


def test_each_cell_ends_as_it_should(roots):
    rows = table(roots[1], "curves")
    ends = {row["cell"]: (row["status"], row["error"]) for row in rows}
    assert {cell: status for cell, (status, _) in ends.items()} == {
        "400kB/dlrm_full": "done",
        "400kB/dlrm_hashing": "done",
        "400kB/dlrm_full_learning_rate_1_0e_30": "failed",
        "400kB/dlrm_full_negative_sampling_0_5": "done",
        "400kB/dlrm_full_gpu": "skipped",
        "400kB/dlrm_hashing_gpu": "skipped",
        "400kB/dlrm_full_learning_rate_1_0e_30_gpu": "skipped",
        "400kB/dlrm_full_negative_sampling_0_5_gpu": "skipped",
    }
    assert "dlrm_full_learning_rate_1_0e_30" in ends["400kB/dlrm_full_learning_rate_1_0e_30"][1]
    assert "expected 1 GPU or more" in ends["400kB/dlrm_full_gpu"][1]
    done = [row for row in rows if row["status"] == "done"]
    assert all(row["eval_auc_roc"] is not None for row in done)
    assert all(row["train_logloss"] is not None for row in done)


def test_all_cells_are_compared_with_one_baseline(roots):
    finals = {row["cell"]: row for row in table(roots[1], "finals")}
    compared = {cell: row["baseline"] for cell, row in finals.items() if row["baseline"]}
    assert compared == dict.fromkeys(
        (
            "400kB/dlrm_full",
            "400kB/dlrm_hashing",
            "400kB/dlrm_full_negative_sampling_0_5",
        ),
        "400kB/dlrm_full",
    )
    sampled, full = finals["400kB/dlrm_full_negative_sampling_0_5"], finals["400kB/dlrm_full"]
    assert sampled["auc_roc_difference"] == pytest.approx(sampled["auc_roc"] - full["auc_roc"])
    assert full["auc_roc_difference"] is None
    assert (roots[1] / "study/reports/400kB/index.html").is_file()


def test_finished_trainings_are_not_run_again(roots):
    states = {}
    for execution in read_snapshot(roots[0]).executions.values():
        if execution.node.startswith("Trainer_"):
            states.setdefault(execution.node, []).append(execution.state)
    done = {node: each for node, each in states.items() if "learning_rate" not in node}
    assert len(done) == 6
    assert all(each.count("complete") == 1 for each in done.values()), done
    # Three were finished before the last start, and were asked for again by it.
    assert sum("cached" in each for each in done.values()) >= 3


def test_a_run_tells_how_it_was_started(roots):
    [first, *_] = read_snapshot(roots[1]).runs
    assert first.origin.command.startswith("-m pipeline.study --config=")

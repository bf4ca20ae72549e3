"""The command with `--on vertex`, against services on loopback."""

import json
import re

import pyarrow.parquet as pq
import pytest

from pipeline.study.cli import main
from tests.pipeline.vertex.cli_flags import SITE, WHERE
from tests.pipeline.vertex.fake_vertex import Fault

BASELINE, HASHING, HALF = "dlrm_full", "dlrm_hashing", "dlrm_half"


def cells(vertex):
    return [dict(job.labels)["study_cell"] for job in vertex.of_kind("pipelineJobs")]


def run_ids(vertex):
    return {
        dict(job.labels)["study_cell"]: job.name.split("/")[-1]
        for job in vertex.of_kind("pipelineJobs")
    }


def tables(tmp_path):
    return [
        pq.read_table(tmp_path / f"run/study/{name}.parquet").to_pylist()
        for name in ("curves", "finals")
    ]


def test_first_call_submits_the_baseline_alone(run_study, vertex, capsys):
    assert run_study() == 0
    [job] = vertex.of_kind("pipelineJobs")
    run = job.name.split("/")[-1]
    assert job.display_name == "dlrm-approx 1MB/dlrm_full"
    assert run.startswith("dlrm-approx-1mb-dlrm-full-")
    assert dict(job.labels) == {"team": "ads", "study_dataset": "1mb", "study_cell": BASELINE}
    [request] = vertex.sent("POST", "/pipelineJobs")
    assert request.query["pipelineJobId"] == run
    said = capsys.readouterr().out
    assert "2 files, 0.0 MB" in said
    assert "cost of 3 runs: " in said
    assert re.search("1MB/dlrm_hashing +waiting +after 1MB/dlrm_full", said)
    assert "3 cells: 1 pending, 2 waiting" in said


def test_second_call_submits_nothing_while_the_baseline_runs(run_study, vertex, capsys):
    run_study()
    capsys.readouterr()
    assert run_study() == 0
    assert cells(vertex) == [BASELINE]
    assert "cost of 2 runs" in capsys.readouterr().out


@pytest.mark.usefixtures("no_page")
def test_others_follow_with_the_baseline_beside_them(run_study, vertex):
    assert run_study("--wait") == 1  # no run has written anything
    assert cells(vertex) == [BASELINE, HASHING, HALF]
    tasks = [set(j.pipeline_spec["root"]["dag"]["tasks"]) for j in vertex.of_kind("pipelineJobs")]
    rows = {"ExampleGen", "Transform", "Evaluator"}
    baseline = {"Trainer_dlrm_full", "Trainer_dlrm_full_Seed1"}
    assert tasks[0] == rows | baseline
    assert tasks[1] == rows | baseline | {"Trainer_dlrm_hashing", "Trainer_dlrm_hashing_Seed1"}
    num_requests = len(vertex.requests)
    run_study("--wait")
    assert {request.method for request in vertex.requests[num_requests:]} == {"GET"}


@pytest.mark.usefixtures("no_page")
def test_no_more_runs_at_once_than_parallel(run_study, vertex):
    run_study("--parallel", "1", "--wait")
    order = [
        (request.method, request.path.split("/")[-1].removeprefix("dlrm-approx-1mb-"))
        for request in vertex.requests
    ]
    submitted = [number for number, (method, _) in enumerate(order) if method == "POST"]
    assert len(submitted) == 3
    # Between the submissions of the second and the third the second was looked at to its end.
    looked = [name for _, name in order[submitted[1] : submitted[2]] if "hashing" in name]
    assert len(looked) > 3


@pytest.mark.parametrize("fault", [Fault("POST", carried_out=True), Fault("POST", 503)])
def test_lost_answer_makes_no_second_run(run_study, vertex, fault):
    vertex.faults.append(fault)
    assert run_study() == 0
    assert cells(vertex) == [BASELINE]


def test_run_of_a_call_that_ended_without_an_answer_is_found(run_study, vertex, capsys):
    vertex.faults += [
        Fault("POST", carried_out=True),
        Fault("GET", 403, "no permission"),
    ]
    assert run_study() == 1
    assert "the same command finds it again" in capsys.readouterr().err
    assert run_study() == 0
    assert cells(vertex) == [BASELINE]


def test_request_that_never_arrived_is_sent_again_with_the_same_id(run_study, vertex, tmp_path):
    vertex.faults.append(Fault("POST", 403, "not yet"))
    assert run_study() == 1
    assert cells(vertex) == []
    [kept] = json.loads((tmp_path / "run/study/vertex_runs.json").read_text()).values()
    assert run_study() == 0
    assert run_ids(vertex) == {BASELINE: kept["id"]}


@pytest.mark.usefixtures("no_page")
def test_changed_cell_gets_a_new_run_and_the_others_keep_theirs(run_study, vertex, config):
    run_study("--wait")
    before = run_ids(vertex)
    changed = config.read_text().replace(
        "method: hashing}", "method: hashing}, compression_ratio: 9"
    )
    config.write_text(changed)
    run_study("--wait")
    after = run_ids(vertex)
    assert len(vertex.of_kind("pipelineJobs")) == 4
    assert (after[BASELINE], after[HALF]) == (before[BASELINE], before[HALF])
    assert after[HASHING] != before[HASHING]


def bring(monkeypatch, vertex, artifacts):
    """Lets each run bring something before it is looked at again."""
    own = {HASHING: (0.6, -0.1, 0.03), HALF: (0.65, -0.05, 0.02)}

    def pause(_):
        for cell, run in run_ids(vertex).items():
            artifacts(run, {BASELINE: (0.7,), **({cell: own[cell]} if cell in own else {})})

    monkeypatch.setattr("pipeline.study.vertex.engine.sleep", pause)


def test_all_ended_makes_the_tables(run_study, vertex, artifacts, tmp_path, capsys, monkeypatch):
    bring(monkeypatch, vertex, artifacts)
    assert run_study("--wait") == 0
    said = capsys.readouterr().out
    assert "6 trainings done" in said
    assert (tmp_path / "run/study/index.html").exists()
    curves, finals = tables(tmp_path)
    assert len(curves) == 3 * 2 * 2  # cells, seeds, evaluations
    assert {row["status"] for row in curves} == {"done"}
    assert [row["train_seconds"] for row in curves if row["cell"] == "1MB/dlrm_half"] == [
        2.0,
        2.0,
        3.0,
        3.0,
    ]
    assert {row["dataset_bytes"] for row in curves} == {999}
    assert {row["num_cores"] for row in curves} == {None}
    full, hashing, half = finals
    assert {row["baseline"] for row in finals} == {"1MB/dlrm_full"}
    assert (full["auc_roc"], full["auc_roc_difference"]) == (0.7, None)
    assert (hashing["auc_roc"], hashing["auc_roc_difference"]) == (0.6, -0.1)
    # Holm's correction of 0.02 and 0.03: the smaller one twice, the other not below it.
    assert half["auc_roc_p"] == pytest.approx(0.04)
    assert hashing["auc_roc_p"] == pytest.approx(0.04)


@pytest.mark.usefixtures("no_page")
def test_failed_seed_is_a_failed_training_with_the_message(
    run_study, vertex, artifacts, tmp_path, capsys, monkeypatch
):
    vertex.failing_tasks["Trainer_dlrm_hashing_Seed1"] = "the loss is not finite"
    bring(monkeypatch, vertex, artifacts)
    assert run_study("--wait") == 1
    assert "1 failed" in capsys.readouterr().out
    curves, finals = tables(tmp_path)
    rows = [row for row in curves if row["cell"] == "1MB/dlrm_hashing"]
    assert [row["status"] for row in rows] == ["done", "done", "failed"]
    assert "step Trainer_dlrm_hashing_Seed1: the loss is not finite" in rows[-1]["error"]
    assert [row["num_seeds"] for row in finals] == [2, 1, 2]
    assert [row["auc_roc_difference"] for row in finals[1:]] == [None, -0.05]


@pytest.mark.usefixtures("no_page")
def test_failed_baseline_keeps_the_others_from_being_submitted(run_study, vertex, tmp_path):
    vertex.failing_tasks["ExampleGen"] = "no rows"
    assert run_study("--wait") == 1
    assert cells(vertex) == [BASELINE]
    curves, _ = tables(tmp_path)
    assert {row["status"] for row in curves} == {"failed"}
    assert all("step ExampleGen: no rows" in row["error"] for row in curves)
    assert "not submitted, for dlrm-approx-1mb-dlrm-full" in curves[-1]["error"]


@pytest.mark.usefixtures("no_page")
def test_retry_submits_what_failed_as_a_new_run(run_study, vertex, monkeypatch):
    vertex.failing_tasks["Trainer_dlrm_hashing"] = "out of memory"
    run_study("--wait")
    before = run_ids(vertex)
    vertex.failing_tasks.clear()
    # The time is part of an id, and the test takes no second.
    monkeypatch.setattr("pipeline.study.vertex.vertex_study.new_job_id", lambda *_: "again-1")
    run_study("--wait", "--retry")
    assert len(vertex.of_kind("pipelineJobs")) == 4
    assert run_ids(vertex) == {**before, HASHING: "again-1"}


def test_retry_above_the_limit_forgets_nothing(run_study, vertex, capsys):
    vertex.failing_tasks["Trainer_dlrm_hashing"] = "out of memory"
    run_study("--wait")
    before = run_ids(vertex)
    capsys.readouterr()
    assert run_study("--retry", "--max-cost", "0.01") == 1
    assert "--max-cost: expected at most 0.01 US dollars" in capsys.readouterr().err
    run_study("--wait")
    assert run_ids(vertex) == before


def test_run_above_the_limit_is_refused(run_study, vertex, capsys):
    assert run_study("--max-cost", "0.01") == 1
    assert "--max-cost: expected at most 0.01 US dollars" in capsys.readouterr().err
    assert vertex.requests == []


def test_dry_run_lists_the_runs_and_sends_nothing(run_study, vertex, tmp_path, capsys):
    assert run_study("--dry-run", "--rows", "1000") == 0
    said = capsys.readouterr().out
    assert "1MB/dlrm_hashing: 2 x n1-standard-8, after 1MB/dlrm_full" in said
    assert "cost of 3 runs" in said
    assert "3 runs would be submitted, 0 were before; nothing was sent" in said
    assert vertex.requests == []
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--data", "day_*.tsv"], "expected a pattern on Cloud Storage"),
        (["--project", ""], "--on vertex needs --project"),
        (["--max-cost", "0"], "--max-cost: expected US dollars above 0"),
    ],
)
def test_wrong_flags_stop_before_anything_is_sent(run_study, vertex, capsys, flags, said):
    assert run_study(*flags) == 2
    assert said in capsys.readouterr().err
    assert vertex.requests == []


def test_flags_of_vertex_are_refused_on_this_machine(config, capsys):
    with pytest.raises(SystemExit):
        main(["--config", str(config), "--pipeline-root", "gs://b/r"])
    assert "--pipeline-root is for --on vertex" in capsys.readouterr().err


def test_interrupted_wait_says_that_the_runs_go_on(run_study, vertex, capsys, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.study.vertex.engine.sleep", interrupted)
    assert run_study("--wait") == 130
    assert "what was submitted goes on" in capsys.readouterr().err
    assert vertex.sent("POST", ":cancel") == []


def test_gpu_cells_need_machines_with_gpus(config, vertex, capsys, tmp_path):
    config.write_text(config.read_text() + "devices: [gpu]\n")
    flags = [
        "--config",
        str(config),
        "--on",
        "vertex",
        *SITE,
        *WHERE,
        "--root",
        str(tmp_path / "r"),
    ]
    assert main(flags) == 2
    assert "vertex.trainers.gpu: dlrm_full_gpu on 1 x n1-standard-8" in capsys.readouterr().err

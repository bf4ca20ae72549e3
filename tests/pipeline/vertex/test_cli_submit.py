"""submit, status and cancel through their command line, against services on loopback."""

import json
import re

import pytest

from components.evaluator.report.table import render_table
from pipeline.vertex.api import service
from pipeline.vertex.cli import main
from tests.pipeline.vertex.cli_flags import COMPARISON, SITE, WHAT, WHERE, one_line
from tests.pipeline.vertex.fake_kfp import FakeKfp
from tests.pipeline.vertex.fake_vertex import Fault
from tests.pipeline.vertex.small_job import small_job

KEY = "projects/ads-12345/locations/us-central1/keyRings/ring/cryptoKeys/key"


def test_submitted_run_is_there_with_its_link(submit, vertex, capsys):
    assert submit() == 0
    [job] = vertex.of_kind("pipelineJobs")
    run = job.name.split("/")[-1]
    said = capsys.readouterr().out
    assert f"pipelines/runs/{run}?project=ads-12345" in said
    assert f"cancel it with: run_vertex.py cancel {run} --project ads-12345" in said
    assert "2 files, 0.0 MB" in said
    assert re.search(r"cost of a run: [\d.]+ to [\d.]+ US dollars", said)


def test_waiting_shows_each_step_and_the_comparison(submit, comparison, capsys):
    assert submit("--wait") == 0
    said = capsys.readouterr().out
    for step in ("ExampleGen", "Trainer_full", "Evaluator"):
        assert re.search(rf"  {step} +\d+\.\d s  succeeded", said)
    assert render_table(comparison) in said
    assert f"report        {COMPARISON}/index.html" in said
    assert "pushed model  gs://clicks/runs/serving_model" in said


def test_waiting_outlasts_errors_that_pass(submit, vertex):
    faults = (Fault("GET", 503, times=2), Fault("GET", 429), Fault("GET", 0))
    vertex.faults.extend(faults)
    assert submit("--wait") == 0
    assert [fault.times for fault in faults] == [0, 0, 0]


def test_waiting_ends_with_the_cure_when_the_sign_in_expires(submit, vertex, capsys):
    vertex.faults.append(Fault("GET", 401, "invalid authentication credentials", times=99))
    assert submit("--wait") == 1
    error = one_line(capsys)
    assert "gcloud auth application-default login" in error
    assert error.endswith("; the run itself goes on\n")
    assert len(vertex.of_kind("pipelineJobs")) == 1


def test_failed_run_names_step_error_and_page(submit, vertex, capsys):
    vertex.failing_tasks["Trainer_full"] = "the loss is not finite"
    assert submit("--wait") == 1
    captured = capsys.readouterr()
    assert "Trainer_full: the loss is not finite; logs: https://console" in captured.err
    assert re.search(r"  Trainer_full .* failed: the loss is not finite", captured.out)


def test_interrupted_wait_leaves_the_run_and_tells_how_to_end_it(
    submit, vertex, capsys, monkeypatch
):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.vertex.runs.submit.watch", interrupted)
    assert submit("--wait") == 130
    [job] = vertex.of_kind("pipelineJobs")
    error = one_line(capsys)
    assert "the run goes on" in error
    assert f"run_vertex.py cancel {job.name.split('/')[-1]} --project ads-12345" in error
    assert vertex.sent("POST", ":cancel") == []


def test_interrupt_while_submitting_tells_how_to_look(submit, capsys, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.vertex.runs.vertex_runs.VertexRuns.create", interrupted)
    assert submit() == 130
    error = one_line(capsys)
    assert re.search(
        r"whether (dlrm-approx-\S+) was created is not known; look: .*status \1", error
    )


def test_dry_run_sends_nothing_and_writes_the_request(
    submit, vertex, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("pipeline.vertex.runs.dry_run.describe_account", lambda: "me@example.com")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:1")  # would be refused
    assert submit("--dry-run", "--set", f"vertex.kms_key_name={KEY}") == 0
    said = capsys.readouterr().out
    assert re.search(r"would create +pipeline job dlrm-approx-", said)
    assert re.search(r"sent by +me@example.com", said)
    assert re.search(rf"encryption key +{KEY}\n", said)
    assert "nothing was sent" in said
    assert vertex.requests == []
    request = json.loads((tmp_path / "here/request.json").read_text())
    assert request["pipelineJob"]["encryptionSpec"] == {"kmsKeyName": KEY}


def test_run_above_the_limit_is_refused_before_it_is_compiled(submit, vertex, capsys):
    assert submit("--max-cost", "0.01") == 1
    assert "--max-cost: expected at most 0.01 US dollars, the estimate goes to" in one_line(capsys)
    assert vertex.requests == []


def test_run_below_the_limit_is_submitted(submit, vertex):
    assert submit("--max-cost", "1000", "--rows", "1000") == 0
    assert len(vertex.of_kind("pipelineJobs")) == 1


UNPRICED = ("--set", "vertex.trainer.machine_type=z9-standard-8")


def test_machine_without_a_price_is_submitted_without_an_estimate(submit, vertex, capsys):
    assert submit(*UNPRICED) == 0
    said = capsys.readouterr().out
    assert re.search(r"cost: not estimated: .*z9-standard-8", said)
    assert len(vertex.of_kind("pipelineJobs")) == 1


def test_machine_without_a_price_is_refused_where_there_is_a_limit(submit, vertex, capsys):
    assert submit(*UNPRICED, "--max-cost", "1000") == 1
    assert "z9-standard-8" in one_line(capsys)
    assert vertex.requests == []


def test_cron_makes_a_schedule_and_no_run(submit, vertex, capsys):
    assert submit("--cron", "0 3 * * *") == 0
    assert vertex.of_kind("pipelineJobs") == []
    [schedule] = vertex.of_kind("schedules")
    assert schedule.cron == "0 3 * * *"
    said = capsys.readouterr().out
    assert "run_vertex.py cancel schedules/" in said
    assert "pipelines/schedules/" in said


def test_missing_bucket_stops_before_anything_is_sent(submit, vertex, capsys):
    assert submit("--pipeline-root", "gs://nobody-has/runs") == 1
    assert "check the bucket gs://nobody-has: 404" in one_line(capsys)
    assert vertex.requests == []


def test_data_that_is_not_there_stops_before_anything_is_sent(submit, vertex, capsys):
    assert submit("--data", "gs://clicks/nights_*") == 1
    assert "--data: expected files, but gs://clicks/nights_* matches none" in one_line(capsys)
    assert vertex.requests == []


def test_refused_submission_is_one_line_with_the_cure(submit, vertex, capsys):
    denied = "Permission 'aiplatform.pipelineJobs.create' denied"
    vertex.faults.append(Fault("POST", 403, denied))
    assert submit() == 1
    assert "ask for roles/aiplatform.user" in one_line(capsys)


def test_unreachable_service_is_told_after_the_last_attempt(submit, vertex, capsys):
    assert submit("--endpoint", "http://127.0.0.1:1") == 1
    assert f"no connection ({service.MAX_ATTEMPTS} attempts): Connection refused" in one_line(
        capsys
    )


@pytest.mark.parametrize(("flags", "expected"), [([], True), (["--no-cache"], False)])
def test_no_cache_reaches_the_compiler(submit, monkeypatch, flags, expected):
    compiled = []

    def compile_it(config, *_):
        compiled.append(config.vertex.enable_caching)
        return small_job()

    monkeypatch.setattr("pipeline.vertex.runs.submit._compile", compile_it)
    assert submit(*flags) == 0
    assert compiled == [expected]


def test_second_submission_within_a_second_is_refused(submit, vertex, capsys, monkeypatch):
    monkeypatch.setattr("pipeline.vertex.runs.submit.new_job_id", lambda *_: "dlrm-approx-1")
    assert submit() == 0
    assert submit() == 1
    assert "create the pipeline job dlrm-approx-1: 409 Conflict" in one_line(capsys)
    assert len(vertex.of_kind("pipelineJobs")) == 1


def test_status_shows_a_run_and_lists_all(submit, vertex, tmp_path, capsys):
    submit("--wait")
    [job] = vertex.of_kind("pipelineJobs")
    run = job.name.split("/")[-1]
    flags = [*SITE, "--endpoint", vertex.endpoint, "--root", str(tmp_path)]
    capsys.readouterr()
    assert main(["status", run, *flags]) == 0
    shown = capsys.readouterr().out
    assert f"{run}  succeeded" in shown
    assert re.search(r"  Evaluator +\d+\.\d s  succeeded", shown)
    assert main(["status", *flags]) == 0
    assert re.search(rf"^{run}  succeeded ", capsys.readouterr().out, re.MULTILINE)


def test_cancel_says_what_it_did(submit, vertex, tmp_path, capsys):
    submit()
    [job] = vertex.of_kind("pipelineJobs")
    run = job.name.split("/")[-1]
    flags = [*SITE, "--endpoint", vertex.endpoint, "--root", str(tmp_path)]
    assert main(["cancel", run, *flags]) == 0
    assert f"{run}: cancelled" in capsys.readouterr().out
    assert job.state.name == "PIPELINE_STATE_CANCELLED"


def test_run_on_kubeflow_is_submitted_and_waited_for(
    quick, bucket, tmp_path, comparison_json, capsys
):
    flags = ["--target", "kfp", "--root", str(tmp_path)]
    with FakeKfp() as server:
        path = "runs/dlrm-approx/run-1/Evaluator/1/comparison/comparison.json"
        bucket.blob(path).upload_from_string(comparison_json)
        status = main(["submit", *WHAT, *WHERE, *flags, "--host", server.host, "--wait"])
        captured = capsys.readouterr()
        assert status == 0, captured.err
        assert f"{server.host}/#/runs/details/run-1" in captured.out
        assert f"run_vertex.py cancel run-1 --target kfp --host {server.host}" in captured.out
        assert re.search(r"  Evaluator +\d+\.\d s  succeeded", captured.out)
        assert "Ship full" in captured.out
        assert main(["status", "run-1", *flags, "--host", server.host]) == 0
        assert "run-1  succeeded" in capsys.readouterr().out

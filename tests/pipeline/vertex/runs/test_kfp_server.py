from types import SimpleNamespace

import pytest

from components.errors import InputError
from pipeline.vertex.api import service
from pipeline.vertex.api.service import ServiceError
from pipeline.vertex.runs.kfp_server import KfpRuns
from tests.pipeline.vertex.fake_kfp import FakeKfp
from tests.pipeline.vertex.small_job import small_job

NAME = "dlrm-approx-20261122030405-0a1b2c3d"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(service, "FIRST_WAIT_SECONDS", 0.001)
    with FakeKfp() as fake:
        yield fake


@pytest.fixture
def runs(server):
    return KfpRuns(server.host)


def _create(runs, job=None):
    job = job or small_job()
    job["pipelineSpec"]["schemaVersion"] = "2.1.0"
    return runs.create(job, NAME, "clicks")


def test_run_is_created_in_the_experiment(server, runs):
    run = server.runs[_create(runs)]
    assert run["display_name"] == NAME
    assert server.experiments[run["experiment_id"]]["display_name"] == "clicks"
    assert run["runtime_config"]["pipeline_root"] == "gs://clicks/runs"
    assert sorted(run["pipeline_spec"]["root"]["dag"]["tasks"]) == [
        "Evaluator",
        "ExampleGen",
        "Trainer_full",
    ]


def test_experiment_is_used_again(server, runs):
    _create(runs)
    _create(runs)
    assert len(server.experiments) == 1


def test_caching_of_each_task_stays_as_it_was_compiled(server, runs):
    job = small_job()
    tasks = job["pipelineSpec"]["root"]["dag"]["tasks"]
    tasks["Evaluator"]["cachingOptions"] = {"enableCache": True}
    tasks["ExampleGen"].pop("cachingOptions", None)
    sent = server.runs[_create(runs, job)]["pipeline_spec"]["root"]["dag"]["tasks"]
    assert sent["Evaluator"]["cachingOptions"] == {"enableCache": True}
    assert not sent["ExampleGen"].get("cachingOptions", {}).get("enableCache", False)


@pytest.mark.parametrize("fault", [("POST .*/runs$", 0, True), ("POST .*/runs$", 500, True)])
def test_lost_answer_makes_no_second_run(server, runs, fault):
    server.faults.append(fault)
    run = _create(runs)
    assert list(server.runs) == [run]


def test_unreached_create_is_sent_again(server, runs):
    server.faults.append(("POST .*/runs$", 503, False))
    assert _create(runs) in server.runs


def test_client_prints_nothing_of_its_own(server, runs, capsys):
    _create(runs)
    assert capsys.readouterr().out == ""


def test_run_moves_to_its_end(server, runs):
    run = _create(runs)
    states = [runs.read(run)]
    while not states[-1].has_ended:
        states.append(runs.read(run))
    assert [state.state for state in states][:2] == ["pending", "running"]
    assert states[-1].state == "succeeded"
    assert [task.name for task in states[-1].tasks] == ["ExampleGen", "Trainer_full", "Evaluator"]
    assert all(task.seconds >= 0 for task in states[-1].tasks)
    assert states[-1].link == f"{server.host}/#/runs/details/{run}"


def test_failed_step_has_its_error(server, runs):
    server.failing_tasks["ExampleGen"] = "no such\nfile"
    run = _create(runs)
    while not (state := runs.read(run)).has_ended:
        pass
    assert state.state == "failed"
    assert state.tasks[0].error == "no such file"


def test_newest_runs_are_listed(server, runs):
    first, second = _create(runs), _create(runs)
    assert [run.id for run in runs.newest()] == [second, first]


def test_cancel_terminates_the_run(server, runs):
    run = _create(runs)
    assert runs.cancel(run) == [f"{run}: cancelled"]
    assert server.runs[run]["state"] == "CANCELED"
    assert runs.cancel(run) == [f"{run}: had ended before: cancelled"]


def test_unknown_run_is_named(server, runs):
    with pytest.raises(ServiceError, match=r"read the run x-1: 404 .*Run x-1 not found.*--host"):
        runs.read("x-1")


def test_server_that_asks_for_an_account_is_told_apart(server, runs):
    server.faults.append(("POST .*/runs$", 401, False))
    with pytest.raises(ServiceError, match=r"create the run .*401 .*port forward"):
        _create(runs)


def test_server_that_is_not_well_is_given_up_by_its_client(server, runs, monkeypatch):
    monkeypatch.setattr("kfp.client.client.time", SimpleNamespace(sleep=lambda seconds: None))
    server.faults += [("GET .*/healthz", 401, False)] * 5
    with pytest.raises(ServiceError, match=r"connect: Failed getting healthz .*asks who you are"):
        runs.read("x")
    assert len(server.requests) == 5


def test_server_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setattr(service, "FIRST_WAIT_SECONDS", 0.001)
    with FakeKfp() as gone:
        host = gone.host
    said = rf"{host}: connect: no answer: Connection refused \(6 attempts\); check --host"
    with pytest.raises(ServiceError, match=said):
        KfpRuns(host).read("x")


def test_address_of_another_form_is_refused():
    with pytest.raises(InputError, match=r"--host: expected http://.*received 'localhost:8080'"):
        KfpRuns("localhost:8080")

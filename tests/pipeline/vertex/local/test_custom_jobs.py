"""Jobs of trivial Python programs, as real processes."""

import json
import os
import sys
import time

import pytest

from components.errors import InputError
from pipeline.vertex.local.custom_jobs import CustomJobs
from pipeline.vertex.local.processes import Processes

PARENT = "projects/p/locations/l"
SLEEP = "import time; print('up', flush=True); time.sleep(60)"


@pytest.fixture
def started():
    return []


@pytest.fixture
def jobs(tmp_path, started):
    processes = Processes(dict(os.environ))
    yield CustomJobs(processes, tmp_path, started.append)
    processes.stop()


def _body(*codes, name="Train", **labels):
    """A job with one replica in each pool."""
    pools = [
        {
            "replicaCount": "1",
            "machineSpec": {"machineType": "n1-standard-8"},
            "containerSpec": {"imageUri": "image", "command": [sys.executable, "-c", code]},
        }
        for code in codes
    ]
    return {"displayName": name, "labels": labels, "jobSpec": {"workerPoolSpecs": pools}}


def _wait_for(jobs, name, *states):
    end = time.monotonic() + 20
    while (job := jobs.get(name))["state"] not in states:
        assert time.monotonic() < end, job
        time.sleep(0.01)
    return job


def _ended(jobs, name):
    return _wait_for(jobs, name, "JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED")


def _wait_until_up(log):
    end = time.monotonic() + 20
    while not (log.exists() and "up" in log.read_text()):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_new_job_is_pending_with_a_name_and_the_body(jobs, started):
    body = _body("pass")
    job = jobs.create(PARENT, body)
    assert job["name"] == f"{PARENT}/customJobs/1"
    assert job["state"] == "JOB_STATE_PENDING"
    assert body.items() <= job.items()
    assert [each["name"] for each in started] == [job["name"]]


def test_job_whose_program_succeeds_has_succeeded(jobs, tmp_path):
    name = jobs.create(PARENT, _body("print('trained')"))["name"]
    job = _ended(jobs, name)
    assert job["state"] == "JOB_STATE_SUCCEEDED"
    assert job["createTime"] <= job["startTime"] <= job["endTime"]
    assert (tmp_path / "Train/workerpool0-0.log").read_text() == "trained\n"


def test_job_whose_program_fails_has_the_error_and_the_log(jobs, tmp_path):
    name = jobs.create(PARENT, _body("raise ValueError('one class only')"))["name"]
    job = _ended(jobs, name)
    assert job["state"] == "JOB_STATE_FAILED"
    log = tmp_path / "Train/workerpool0-0.log"
    assert job["error"] == {
        "code": 13,
        "message": f"workerpool0-0: ValueError: one class only; log: {log}",
    }


def test_failing_worker_fails_the_job_and_ends_the_others(jobs):
    name = jobs.create(PARENT, _body(SLEEP, "import sys; sys.exit(3)"))["name"]
    job = _ended(jobs, name)
    assert job["state"] == "JOB_STATE_FAILED"
    assert job["error"]["message"].startswith("workerpool1-0: exit status 3")


def test_job_is_done_when_its_primary_worker_is(jobs):
    name = jobs.create(PARENT, _body("pass", SLEEP))["name"]
    assert _ended(jobs, name)["state"] == "JOB_STATE_SUCCEEDED"


def test_workers_find_each_other_by_tf_config(jobs, tmp_path):
    chief = (
        "import json, os, socket\n"
        "host, port = json.loads(os.environ['TF_CONFIG'])['cluster']['chief'][0].split(':')\n"
        "server = socket.create_server((host, int(port)))\n"
        "connection, _ = server.accept()\n"
        "print(connection.recv(100).decode())\n"
    )
    worker = (
        "import json, os, socket, time\n"
        "host, port = json.loads(os.environ['TF_CONFIG'])['cluster']['chief'][0].split(':')\n"
        "while True:\n"
        "    try:\n"
        "        chief = socket.create_connection((host, int(port)))\n"
        "        break\n"
        "    except ConnectionRefusedError:\n"
        "        time.sleep(0.01)\n"
        "chief.send(json.dumps(json.loads(os.environ['TF_CONFIG'])['task']).encode())\n"
    )
    name = jobs.create(PARENT, _body(chief, worker))["name"]
    assert _ended(jobs, name)["state"] == "JOB_STATE_SUCCEEDED"
    received = json.loads((tmp_path / "Train/workerpool0-0.log").read_text())
    assert received == {"type": "worker", "index": 0}


def test_cancelled_job_ends(jobs, tmp_path):
    name = jobs.create(PARENT, _body(SLEEP))["name"]
    _wait_until_up(tmp_path / "Train/workerpool0-0.log")
    jobs.cancel(name)
    assert _ended(jobs, name)["state"] == "JOB_STATE_CANCELLED"


def test_job_of_a_program_that_does_not_exist_fails(jobs):
    body = _body("pass")
    body["jobSpec"]["workerPoolSpecs"][0]["containerSpec"]["command"] = ["/no/such/program"]
    name = jobs.create(PARENT, body)["name"]
    job = _ended(jobs, name)
    assert job["state"] == "JOB_STATE_FAILED"
    assert "/no/such/program" in job["error"]["message"]


def test_job_without_a_command_is_refused(jobs):
    body = _body("pass")
    del body["jobSpec"]["workerPoolSpecs"][0]["containerSpec"]["command"]
    with pytest.raises(InputError, match=r"containerSpec\.command"):
        jobs.create(PARENT, body)


def test_jobs_are_found_by_label_newest_first(jobs):
    names = [
        jobs.create(PARENT, _body("pass", step=step))["name"] for step in ("one", "two", "one")
    ]
    found = jobs.find(PARENT, 'labels.step="one"')
    assert [job["name"] for job in found] == [names[2], names[0]]


def test_filters_are_joined(jobs):
    jobs.create(PARENT, _body("pass", name="A", step="one"))
    jobs.create(PARENT, _body("pass", name="B", step="one"))
    found = jobs.find(PARENT, 'labels.step="one" AND display_name="B"')
    assert [job["displayName"] for job in found] == ["B"]


def test_jobs_of_another_region_are_not_found(jobs):
    jobs.create(PARENT, _body("pass"))
    assert jobs.find("projects/p/locations/elsewhere", "") == []


def test_unknown_filter_is_refused(jobs):
    with pytest.raises(InputError, match="create_time"):
        jobs.find(PARENT, 'create_time>"2026"')


def test_unknown_job_is_a_key_error(jobs):
    with pytest.raises(KeyError):
        jobs.get(f"{PARENT}/customJobs/99")

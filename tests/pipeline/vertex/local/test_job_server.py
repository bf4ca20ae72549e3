"""The REST interface, by plain requests."""

import json
import os
import sys
import time
import urllib.error
import urllib.request

import pytest

from pipeline.vertex.local.custom_jobs import CustomJobs
from pipeline.vertex.local.job_server import JobServer
from pipeline.vertex.local.processes import Processes

PARENT = "projects/p/locations/l"


@pytest.fixture
def server(tmp_path):
    processes = Processes(dict(os.environ))
    with JobServer(CustomJobs(processes, tmp_path, lambda job: None)) as server:
        yield server
    processes.stop()


def _body(code):
    container = {"imageUri": "image", "command": [sys.executable, "-c", code]}
    pool = {"machineSpec": {}, "replicaCount": "1", "containerSpec": container}
    return {
        "displayName": "Train",
        "labels": {"step": "one"},
        "jobSpec": {"workerPoolSpecs": [pool]},
    }


def _ask(server, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{server.endpoint}/v1/{path}", data)
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def _refused(server, path, body=None):
    with pytest.raises(urllib.error.HTTPError) as raised:
        _ask(server, path, body)
    error = json.load(raised.value)["error"]
    assert error["code"] == raised.value.code
    return error


def test_created_job_runs_to_its_end(server):
    name = _ask(server, f"{PARENT}/customJobs", _body("pass"))["name"]
    end = time.monotonic() + 20
    while (job := _ask(server, name))["state"] != "JOB_STATE_SUCCEEDED":
        assert time.monotonic() < end, job
        time.sleep(0.01)
    assert job["displayName"] == "Train"


def test_jobs_are_listed_by_filter(server):
    name = _ask(server, f"{PARENT}/customJobs", _body("pass"))["name"]
    found = _ask(server, f"{PARENT}/customJobs?filter=labels.step%3D%22one%22")
    assert [job["name"] for job in found["customJobs"]] == [name]
    assert _ask(server, f"{PARENT}/customJobs?filter=labels.step%3D%22two%22") == {"customJobs": []}


def test_job_is_cancelled(server):
    name = _ask(server, f"{PARENT}/customJobs", _body("import time; time.sleep(60)"))["name"]
    assert _ask(server, f"{name}:cancel", {}) == {}
    end = time.monotonic() + 20
    while (job := _ask(server, name))["state"] != "JOB_STATE_CANCELLED":
        assert time.monotonic() < end, job
        time.sleep(0.01)


def test_unknown_job_is_not_found(server):
    assert _refused(server, f"{PARENT}/customJobs/99")["status"] == "NOT_FOUND"


@pytest.mark.parametrize("path", [f"{PARENT}/pipelineJobs", f"{PARENT}/customJobs:cancel", "x"])
def test_other_resources_are_not_found(server, path):
    assert _refused(server, path)["status"] == "NOT_FOUND"


def test_job_without_a_command_is_an_invalid_argument(server):
    body = {"displayName": "Train", "jobSpec": {"workerPoolSpecs": [{"containerSpec": {}}]}}
    error = _refused(server, f"{PARENT}/customJobs", body)
    assert error["status"] == "INVALID_ARGUMENT"
    assert "containerSpec.command" in error["message"]


def test_body_that_is_no_object_is_an_invalid_argument(server):
    assert _refused(server, f"{PARENT}/customJobs", [])["status"] == "INVALID_ARGUMENT"

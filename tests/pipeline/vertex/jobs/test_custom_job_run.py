import pytest
from google.cloud.aiplatform_v1.types import JobState

from components.errors import InputError
from pipeline.vertex.api.service import Service, ServiceError
from pipeline.vertex.config import MachineConfig, VertexConfig
from pipeline.vertex.jobs.custom_job import custom_job
from pipeline.vertex.jobs.custom_job_run import EXECUTION_LABEL, JobFailedError, run_custom_job
from tests.pipeline.vertex.fake_vertex import FakeVertex, Fault

LOCATION = "projects/p1/locations/us-central1"


@pytest.fixture
def vertex():
    with FakeVertex() as fake:
        yield fake


def _body(execution="e1"):
    body = custom_job("Trainer_full", MachineConfig(), VertexConfig(), "image", ["work"])
    body["labels"][EXECUTION_LABEL] = execution
    return body


def _run(vertex, body=None, sleep=lambda seconds: None):
    client = Service("us-central1", vertex.endpoint).jobs()
    return run_custom_job(client, LOCATION, body or _body(), sleep)


def test_job_is_started_and_watched_to_its_end(vertex):
    name = _run(vertex)
    assert vertex.resources[name].state == JobState.JOB_STATE_SUCCEEDED
    assert len(vertex.sent("POST", "/customJobs")) == 1


def test_waits_between_looks_grow_to_half_a_minute(vertex):
    waits = []
    states = iter([*[JobState.JOB_STATE_RUNNING] * 9, JobState.JOB_STATE_SUCCEEDED])

    def sleep(seconds):
        waits.append(seconds)
        for job in vertex.of_kind("customJobs"):
            job.state = next(states)

    _run(vertex, sleep=sleep)
    assert waits == [1, *(1.5**n for n in range(1, 9)), 30]


def test_failed_job_tells_its_error_and_where_its_log_is(vertex):
    vertex.failing_tasks["Trainer_full"] = "out of memory"
    with pytest.raises(
        JobFailedError,
        match=r"Trainer_full failed: out of memory; its log: https://console\.cloud\.google\.com/"
        r"vertex-ai/locations/us-central1/training/\d+\?project=p1$",
    ):
        _run(vertex)


def test_job_is_cancelled_if_its_step_is_ended_before_the_answer(vertex, monkeypatch):
    client = Service("us-central1", vertex.endpoint).jobs()
    create = client.create_custom_job

    def ended(*arguments, **options):
        create(*arguments, **options)
        raise SystemExit(143)

    monkeypatch.setattr(client, "create_custom_job", ended)
    with pytest.raises(SystemExit):
        run_custom_job(client, LOCATION, _body(), lambda seconds: None)
    [job] = vertex.of_kind("customJobs")
    assert vertex.sent("POST", f"{job.name}:cancel")


def test_next_try_takes_up_the_job_that_runs(vertex):
    class KilledError(Exception):
        """The try ends without a word."""

    def die(seconds):
        raise KilledError

    with pytest.raises(KilledError):
        _run(vertex, sleep=die)
    [first] = vertex.of_kind("customJobs")
    assert _run(vertex) == first.name
    assert len(vertex.sent("POST", "/customJobs")) == 1


def test_next_try_takes_up_the_job_that_has_succeeded(vertex):
    assert _run(vertex) == _run(vertex)
    assert len(vertex.of_kind("customJobs")) == 1


def test_job_that_failed_is_started_anew(vertex):
    vertex.failing_tasks["Trainer_full"] = "out of memory"
    with pytest.raises(JobFailedError):
        _run(vertex)
    vertex.failing_tasks.clear()
    _run(vertex)
    states = [job.state for job in vertex.of_kind("customJobs")]
    assert states == [JobState.JOB_STATE_FAILED, JobState.JOB_STATE_SUCCEEDED]


def test_job_of_another_execution_is_not_taken_up(vertex):
    assert _run(vertex, _body("e1")) != _run(vertex, _body("e2"))


@pytest.mark.parametrize("status", [0, 429, 500, 503])
def test_answer_that_is_lost_makes_no_second_job(vertex, status):
    vertex.faults.append(Fault(on="POST .*/customJobs$", status=status, carried_out=True))
    _run(vertex)
    assert len(vertex.of_kind("customJobs")) == 1


def test_lost_answer_after_a_failed_job_does_not_take_up_the_failed_one(vertex):
    vertex.failing_tasks["Trainer_full"] = "out of memory"
    with pytest.raises(JobFailedError):
        _run(vertex)
    vertex.failing_tasks.clear()
    vertex.faults.append(Fault(on="POST .*/customJobs$", status=503, carried_out=True))
    assert _run(vertex) == vertex.of_kind("customJobs")[1].name
    assert len(vertex.of_kind("customJobs")) == 2


def test_service_that_stumbles_while_it_is_watched_does_not_end_the_job(vertex):
    vertex.faults += [Fault(on="GET .*/customJobs/", status=503, times=3)]
    name = _run(vertex)
    assert vertex.resources[name].state == JobState.JOB_STATE_SUCCEEDED


def test_refused_request_is_not_sent_again(vertex):
    vertex.faults.append(
        Fault(on="POST .*/customJobs$", status=403, message="aiplatform.customJobs.create denied")
    )
    with pytest.raises(ServiceError, match=r"create the custom job Trainer_full: 403"):
        _run(vertex)
    assert len(vertex.sent("POST", "/customJobs")) == 1


@pytest.mark.parametrize("ending", [KeyboardInterrupt, SystemExit])
def test_task_that_is_cancelled_cancels_its_job(vertex, ending):
    def interrupt(seconds):
        raise ending

    with pytest.raises(ending):
        _run(vertex, sleep=interrupt)
    [job] = vertex.of_kind("customJobs")
    assert job.state == JobState.JOB_STATE_CANCELLED


def test_body_without_a_required_field_is_not_sent(vertex):
    body = _body()
    del body["displayName"]
    with pytest.raises(InputError, match="display_name"):
        _run(vertex, body)
    assert not vertex.requests

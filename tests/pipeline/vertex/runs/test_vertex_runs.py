import pytest
from google.cloud.aiplatform_v1.types import CreateCustomJobRequest, CustomJob

from components.errors import InputError
from pipeline.vertex.api import service
from pipeline.vertex.api.service import ServiceError
from pipeline.vertex.config import VertexConfig
from pipeline.vertex.labels import PIPELINE_JOB_LABEL
from pipeline.vertex.runs import vertex_runs
from pipeline.vertex.runs.submission import pipeline_request, schedule_request
from pipeline.vertex.runs.vertex_runs import VertexRuns, run_id
from pipeline.vertex.site import Site
from tests.pipeline.vertex.fake_vertex import Fault
from tests.pipeline.vertex.small_job import small_job

SITE = Site("ads-12345", "us-central1", "gs://clicks/runs", "gcr.io/ads/dlrm:1")
PAGE = "https://console.cloud.google.com/vertex-ai/locations/us-central1/pipelines"


@pytest.fixture
def runs(vertex, monkeypatch):
    monkeypatch.setattr(service, "FIRST_WAIT_SECONDS", 0.001)
    return VertexRuns(SITE.project, SITE.region, vertex.endpoint)


def _request(job_id="dlrm-approx-1"):
    return pipeline_request(small_job(), VertexConfig(), SITE, job_id)


def _custom_job(runs, name, run):
    job = CustomJob(
        display_name=name,
        labels={PIPELINE_JOB_LABEL: run},
        job_spec={"worker_pool_specs": [{"container_spec": {"image_uri": "i"}}]},
    )
    request = CreateCustomJobRequest(parent=SITE.location, custom_job=job)
    return runs._service.jobs().create_custom_job(request).name


def test_created_run_has_the_id_that_we_chose(vertex, runs):
    assert runs.create(_request()) == "dlrm-approx-1"
    [job] = vertex.of_kind("pipelineJobs")
    assert job.name == f"{SITE.location}/pipelineJobs/dlrm-approx-1"


@pytest.mark.parametrize(
    "fault",
    [
        Fault("POST .*pipelineJobs$", 503, times=2),
        Fault("POST .*pipelineJobs$", 429, times=2),
        Fault("POST .*pipelineJobs$", 500, carried_out=True),
        Fault("POST .*pipelineJobs$", 0, carried_out=True),
        Fault("POST .*pipelineJobs$", 0, times=2),
    ],
    ids=["503", "429", "500 after it was created", "answer lost", "connection lost twice"],
)
def test_run_is_created_once_whatever_happens_to_answers(vertex, runs, fault):
    vertex.faults.append(fault)
    runs.create(_request())
    assert len(vertex.of_kind("pipelineJobs")) == 1


def test_late_answer_to_create_makes_no_second_run(vertex, runs, monkeypatch):
    monkeypatch.setattr(vertex_runs, "TIMEOUT_SECONDS", 0.2)
    vertex.faults.append(Fault("POST", 200, carried_out=True, delay_seconds=0.5))
    assert runs.create(_request()) == "dlrm-approx-1"
    assert len(vertex.sent("POST", "pipelineJobs")) == 1


def test_run_is_looked_up_before_it_is_created_again(vertex, runs):
    vertex.faults.append(Fault("POST", 503))
    runs.create(_request())
    assert [request.method for request in vertex.requests] == ["POST", "GET", "POST"]


def test_id_that_somebody_else_has_is_refused(runs):
    runs.create(_request())
    with pytest.raises(ServiceError, match="create the pipeline job dlrm-approx-1: 409 Conflict"):
        runs.create(_request())


@pytest.mark.parametrize(
    ("status", "message", "said"),
    [
        (400, "Invalid machine type", "400 Bad Request: Invalid machine type; correct what"),
        (401, "Request had invalid authentication", "gcloud auth application-default login"),
        (
            403,
            "Permission 'aiplatform.pipelineJobs.create' denied on resource '//aiplatform'",
            "permission aiplatform.pipelineJobs.create: ask for roles/aiplatform.user",
        ),
        (404, "no such location", "check --project, --region"),
    ],
)
def test_refusal_is_told_at_once_with_its_cure(vertex, runs, status, message, said):
    vertex.faults.append(Fault("POST", status, message))
    with pytest.raises(ServiceError, match=said):
        runs.create(_request())
    assert len(vertex.requests) == 1
    assert vertex.of_kind("pipelineJobs") == []


def test_used_up_quota_is_told_after_the_last_attempt(vertex, runs):
    quota = "exceeds quota aiplatform.googleapis.com/custom_model_training_cpus"
    vertex.faults.append(Fault("POST", 429, quota, times=99))
    with pytest.raises(ServiceError, match=r"429 .*training_cpus.*iam-admin/quotas"):
        runs.create(_request())
    assert vertex.of_kind("pipelineJobs") == []


def test_schedule_is_created_once_when_its_answer_is_lost(vertex, runs):
    vertex.faults.append(Fault("POST .*schedules$", 0, carried_out=True))
    made = runs.create_schedule(schedule_request(_request(), "0 3 * * *"))
    [schedule] = vertex.of_kind("schedules")
    assert made == "schedules/" + schedule.name.split("/")[-1]
    assert schedule.cron == "0 3 * * *"


def test_cancelled_schedule_is_gone(vertex, runs):
    made = runs.create_schedule(schedule_request(_request(), "0 3 * * *"))
    assert runs.cancel(made) == [f"{made}: deleted; runs that it has started go on"]
    assert vertex.of_kind("schedules") == []


def test_run_moves_from_pending_to_its_outputs(vertex, runs):
    vertex.outputs["Evaluator"] = {"comparison": "gs://clicks/runs/1/Evaluator/comparison"}
    runs.create(_request())
    states = [runs.read("dlrm-approx-1")]
    while not states[-1].has_ended:
        states.append(runs.read("dlrm-approx-1"))
    assert [state.state for state in states][:2] == ["pending", "running"]
    last = states[-1]
    assert last.state == "succeeded"
    assert [task.name for task in last.tasks] == ["ExampleGen", "Trainer_full", "Evaluator"]
    assert {task.state for task in last.tasks} == {"succeeded"}
    assert all(task.seconds >= 0 for task in last.tasks)
    assert last.output_uri("Evaluator", "comparison") == "gs://clicks/runs/1/Evaluator/comparison"
    assert last.link == f"{PAGE}/runs/dlrm-approx-1?project=ads-12345"


def test_failed_run_names_the_step_and_its_error(vertex, runs):
    vertex.failing_tasks["Trainer_full"] = "out of\nmemory"
    runs.create(_request())
    while not (state := runs.read("dlrm-approx-1")).has_ended:
        pass
    assert state.state == "failed"
    assert "Trainer_full" in state.error
    by_name = {task.name: task for task in state.tasks}
    assert by_name["Trainer_full"].error == "out of memory"
    assert by_name["Evaluator"].state == "pending"


def test_newest_runs_are_those_of_this_pipeline(vertex, runs):
    other = small_job()
    other["pipelineSpec"]["pipelineInfo"]["name"] = "another"
    runs.create(_request("dlrm-approx-1"))
    runs.create(pipeline_request(other, VertexConfig(), SITE, "another-1"))
    runs.create(_request("dlrm-approx-2"))
    newest = runs.newest()
    assert [run.id for run in newest] == ["dlrm-approx-2", "dlrm-approx-1"]
    assert [run.state for run in newest] == ["pending", "pending"]
    assert all(run.created.endswith(" UTC") for run in newest)


def test_schedules_are_listed_before_the_runs(vertex, runs):
    runs.create(_request("dlrm-approx-1"))
    made = runs.create_schedule(schedule_request(_request("dlrm-approx-2"), "0 3 * * *"))
    runs.create_schedule(schedule_request(_request("another-1"), "0 4 * * *"))
    newest = runs.newest()
    assert [run.id for run in newest] == [made, "dlrm-approx-1"]
    assert (newest[0].state, newest[0].created) == ("scheduled", "0 3 * * *")


def test_cancel_ends_the_run_and_its_custom_jobs_alone(vertex, runs):
    runs.create(_request())
    ours = _custom_job(runs, "Trainer_full", "dlrm-approx-1")
    other = _custom_job(runs, "Trainer_full", "dlrm-approx-2")
    said = runs.cancel("dlrm-approx-1")
    assert said == [
        "dlrm-approx-1: cancelled",
        f"custom job Trainer_full ({ours.split('/')[-1]}): cancelled",
    ]
    assert vertex.of_kind("pipelineJobs")[0].state.name == "PIPELINE_STATE_CANCELLED"
    assert vertex.resources[ours].state.name == "JOB_STATE_CANCELLED"
    assert vertex.resources[other].state.name == "JOB_STATE_PENDING"


def test_cancel_of_an_ended_run_still_ends_its_custom_jobs(vertex, runs):
    vertex.failing_tasks["ExampleGen"] = "x"
    runs.create(_request())
    job = _custom_job(runs, "Trainer_full", "dlrm-approx-1")
    while not runs.read("dlrm-approx-1").has_ended:
        pass
    said = runs.cancel("dlrm-approx-1")
    assert said[0] == "dlrm-approx-1: had ended before: failed"
    assert vertex.sent("POST", "pipelineJobs/dlrm-approx-1:cancel") == []
    assert vertex.resources[job].state.name == "JOB_STATE_CANCELLED"


def test_unknown_run_is_named(runs):
    with pytest.raises(ServiceError, match=r"read the pipeline job nothing: 404 .*--region"):
        runs.read("nothing")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dlrm-1", "dlrm-1"),
        ("projects/1/locations/r/pipelineJobs/dlrm-1", "dlrm-1"),
        (f"{PAGE}/runs/dlrm-1?project=p", "dlrm-1"),
        ("schedules/12", "schedules/12"),
        (f"{PAGE}/schedules/12?project=p", "schedules/12"),
    ],
)
def test_run_is_named_by_id_full_name_or_page(text, expected):
    assert run_id(text) == expected


def test_name_of_something_else_is_refused():
    with pytest.raises(InputError, match=r"expected the id of a run .*customJobs/7'"):
        run_id("projects/1/locations/r/customJobs/7")

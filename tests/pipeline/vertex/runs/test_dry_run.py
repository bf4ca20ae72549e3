import pytest

from pipeline.load_config import load_config
from pipeline.vertex.runs.dry_run import render_plan
from pipeline.vertex.site import Site
from tests.pipeline.vertex.small_job import small_job

SITE = Site("ads-12345", "us-central1", "gs://clicks/runs", "gcr.io/ads/dlrm:1")


@pytest.fixture(autouse=True)
def account(monkeypatch):
    monkeypatch.setattr("pipeline.vertex.runs.dry_run.describe_account", lambda: "me@example.com")


def _plan(*assignments, cron=None):
    config = load_config("tiny", ["full", "hashing"], assignments)
    lines = render_plan(small_job(), config, SITE, "dlrm-1", cron).splitlines()
    return {line[:20].strip(): line[20:].strip() for line in lines}


def test_plan_tells_what_where_and_as_whom():
    plan = _plan("vertex.service_account=runner@ads-12345.iam.gserviceaccount.com")
    assert plan["would create"] == "pipeline job dlrm-1"
    assert plan["in"] == (
        "project ads-12345, region us-central1, us-central1-aiplatform.googleapis.com"
    )
    assert plan["sent by"] == "me@example.com"
    assert plan["runs as"] == "runner@ads-12345.iam.gserviceaccount.com"
    assert plan["pushed to"] == "gs://clicks/runs/serving_model"
    assert plan["tasks"] == "Evaluator, ExampleGen, Trainer_full"
    assert plan["labels"] == "team=ads, tfx_runner=kubeflow_v2"


def test_plan_names_the_endpoint_that_serves():
    assert _plan("vertex.endpoint={name: ctr}")["pushed to"] == "endpoint ctr"


def test_plan_of_a_schedule_tells_when():
    assert _plan(cron="0 3 * * *")["would create"] == "schedule dlrm-1 (0 3 * * *)"


def test_plan_tells_each_variants_machines():
    plan = _plan(
        "vertex.trainers.hashing={accelerator_type: NVIDIA_TESLA_T4, accelerator_count: 1, "
        "is_spot: true}",
        "seeds=2",
    )
    assert (
        plan["custom job, full"] == "1 x n1-standard-8, 2 such jobs (one a seed), at most 24 hours"
    )
    assert plan["custom job, hashing"] == (
        "1 x n1-standard-8 with 1 NVIDIA_TESLA_T4, 2 such jobs (one a seed), at most 24 hours, spot"
    )


def test_plan_tells_dataflows_workers():
    assert _plan()["Beam"] == "in the steps' own containers"
    plan = _plan("vertex.dataflow={max_num_workers: 7}")
    assert plan["Beam"] == "Dataflow, up to 7 x n1-standard-4 a step"

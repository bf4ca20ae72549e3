import datetime

import pytest

from components.errors import InputError
from pipeline.vertex.config import VertexConfig
from pipeline.vertex.runs.submission import new_job_id, pipeline_request, schedule_request
from pipeline.vertex.site import Site
from tests.pipeline.vertex.small_job import small_job

SITE = Site("ads-12345", "us-central1", "gs://clicks/runs", "gcr.io/ads/dlrm:1")
NOW = datetime.datetime(2026, 11, 22, 3, 4, 5, tzinfo=datetime.timezone.utc)


def _request(job=None, **fields):
    return pipeline_request(job or small_job(), VertexConfig(**fields), SITE, "dlrm-1")


def test_job_id_has_name_time_and_hash():
    name, time, content = new_job_id(small_job(), NOW).rsplit("-", 2)
    assert (name, time) == ("dlrm-approx", "20261122030405")
    assert len(content) == 8


def test_job_id_is_the_same_for_the_same_job_and_second():
    assert new_job_id(small_job(), NOW) == new_job_id(small_job(), NOW)


def test_job_id_differs_for_another_job_in_the_same_second():
    other = small_job()
    other["runtimeConfig"]["gcsOutputDirectory"] = "gs://clicks/others"
    assert new_job_id(other, NOW) != new_job_id(small_job(), NOW)


def test_job_id_of_a_long_name_fits_a_label():
    job = {**small_job(), "displayName": "X" * 200}
    assert len(new_job_id(job, NOW)) == 63


def test_request_carries_the_compiled_pipeline():
    request = _request()
    assert request.parent == "projects/ads-12345/locations/us-central1"
    assert request.pipeline_job_id == "dlrm-1"
    assert request.pipeline_job.display_name == "dlrm-approx"
    assert dict(request.pipeline_job.labels) == {"tfx_runner": "kubeflow_v2", "team": "ads"}
    assert request.pipeline_job.runtime_config.gcs_output_directory == "gs://clicks/runs"
    tasks = request.pipeline_job.pipeline_spec["root"]["dag"]["tasks"]
    assert sorted(tasks) == ["Evaluator", "ExampleGen", "Trainer_full"]


def test_request_carries_account_network_and_key():
    key = "projects/p/locations/l/keyRings/r/cryptoKeys/k"
    request = _request(
        service_account="runner@ads-12345.iam.gserviceaccount.com",
        network="projects/12345/global/networks/vpc",
        kms_key_name=key,
    )
    job = request.pipeline_job
    assert job.service_account == "runner@ads-12345.iam.gserviceaccount.com"
    assert job.network == "projects/12345/global/networks/vpc"
    assert job.encryption_spec.kms_key_name == key


def test_field_that_the_api_does_not_know_is_refused():
    with pytest.raises(InputError, match=r"no PipelineJob of Vertex AI.*colour"):
        _request({**small_job(), "colour": "red"})


def test_pipeline_root_that_is_missing_is_refused():
    job = {**small_job(), "runtimeConfig": {"failurePolicy": 1}}
    with pytest.raises(InputError, match=r"requires .*runtime_config.gcs_output_directory"):
        _request(job)


@pytest.mark.parametrize("labels", [{"Team": "ads"}, {"team": "Ads & Co"}, {"1st": "x"}])
def test_label_that_is_not_allowed_is_refused(labels):
    with pytest.raises(InputError, match=r"vertex.labels: expected lower-case"):
        _request({**small_job(), "labels": labels})


def test_schedule_runs_the_same_job_one_at_a_time():
    request = _request()
    made = schedule_request(request, "0 3 * * *")
    schedule = made.schedule
    assert (made.parent, schedule.cron) == (request.parent, "0 3 * * *")
    assert schedule.max_concurrent_run_count == 1
    assert schedule.display_name == "dlrm-1"
    inner = schedule.create_pipeline_job_request
    assert inner.pipeline_job == request.pipeline_job
    # Each run gets an id of its own.
    assert inner.pipeline_job_id == ""

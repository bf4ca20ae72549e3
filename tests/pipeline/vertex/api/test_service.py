import re

import google.auth
import pytest
import requests
from google.api_core import exceptions as api
from google.auth import exceptions as auth
from google.cloud.aiplatform_v1.types import CustomJob

from components.errors import InputError
from pipeline.vertex.api import service
from pipeline.vertex.api.service import MAX_ATTEMPTS, Service, ServiceError, call, create_once
from tests.pipeline.vertex.fake_vertex import Fault

PARENT = "projects/p-12345/locations/us-central1"
POOL = {
    "replica_count": 1,
    "machine_spec": {"machine_type": "n1-standard-4"},
    "container_spec": {"image_uri": "europe-docker.pkg.dev/p/r/i:1"},
}


def _job(name="trainer", label="one"):
    return CustomJob(
        display_name=name, labels={"run": label}, job_spec={"worker_pool_specs": [POOL]}
    )


def _create(vertex, job=None):
    client = Service("us-central1", vertex.endpoint).jobs()
    job = job or _job()

    def find():
        listed = client.list_custom_jobs(
            request={"parent": PARENT, "filter": f'labels.run="{job.labels["run"]}"'}, timeout=5
        )
        return next(iter(listed), None)

    return create_once(
        "create the job",
        lambda: client.create_custom_job(parent=PARENT, custom_job=job, timeout=5, retry=None),
        find,
        sleep=lambda seconds: None,
    )


def test_clients_of_a_local_endpoint_send_no_credentials(vertex):
    _create(vertex)
    [request] = vertex.requests
    assert request.path == f"/v1/{PARENT}/customJobs"
    assert "authorization" not in {key.lower() for key in request.headers}


def test_plain_http_to_another_machine_is_refused():
    with pytest.raises(InputError, match=r"expected https.*received 'http://vertex.example'"):
        Service("us-central1", "http://vertex.example")


def test_region_names_the_host():
    assert Service("europe-west4")._host == "europe-west4-aiplatform.googleapis.com"


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_passing_error_is_tried_again(vertex, status):
    vertex.faults.append(Fault("customJobs$", status, times=2))
    assert _create(vertex).display_name == "trainer"
    assert len(vertex.of_kind("customJobs")) == 1


def test_lost_answer_creates_no_second_job(vertex):
    vertex.faults.append(Fault("POST .*customJobs$", 0, carried_out=True))
    job = _create(vertex)
    assert [job.name] == [each.name for each in vertex.of_kind("customJobs")]
    assert len(vertex.sent("POST", "customJobs")) == 1


def test_late_answer_creates_no_second_job(vertex):
    vertex.faults.append(Fault("POST", 200, carried_out=True, delay_seconds=0.4))
    client = Service("us-central1", vertex.endpoint).jobs()
    create_once(
        "create the job",
        lambda: client.create_custom_job(parent=PARENT, custom_job=_job(), timeout=0.1),
        lambda: next(iter(client.list_custom_jobs(parent=PARENT, timeout=5)), None),
        sleep=lambda seconds: None,
    )
    assert len(vertex.of_kind("customJobs")) == 1


def test_create_that_was_given_up_says_that_it_may_have_happened():
    def create():
        raise api.ServiceUnavailable("overloaded")

    said = "create: 503 .*; but look first whether it was created all the same$"
    with pytest.raises(ServiceError, match=said) as caught:
        create_once("create", create, lambda: None, sleep=lambda s: None)
    assert caught.value.code == 503


def test_refused_create_says_nothing_of_the_kind():
    def create():
        raise api.Forbidden("no")

    with pytest.raises(ServiceError) as caught:
        create_once("create", create, lambda: None)
    assert "look first" not in str(caught.value)


def test_conflict_after_our_own_create_is_success():
    answers = iter([None, "ours"])

    def create():
        create.count += 1
        raise api.ServiceUnavailable("x") if create.count == 1 else api.AlreadyExists("there")

    create.count = 0
    # The first look finds nothing yet, as in a list that lags behind.
    assert create_once("create", create, lambda: next(answers), sleep=lambda s: None) == "ours"


def test_conflict_at_the_first_create_is_an_error():
    def create():
        raise api.AlreadyExists("job a exists")

    with pytest.raises(ServiceError, match=r"create: 409 Conflict: job a exists; .*exists already"):
        create_once("create", create, lambda: "somebody else's")


def test_persistent_error_is_given_up_after_the_last_attempt(vertex):
    vertex.faults.append(Fault("customJobs$", 503, "overloaded", times=99))
    with pytest.raises(ServiceError) as caught:
        call(
            "list",
            lambda: (
                Service("us-central1", vertex.endpoint)
                .jobs()
                .list_custom_jobs(parent=PARENT, timeout=5)
            ),
            sleep=lambda seconds: None,
        )
    assert f"503 Service Unavailable ({MAX_ATTEMPTS} attempts)" in str(caught.value)
    assert "overloaded" in str(caught.value)
    assert len(vertex.requests) == MAX_ATTEMPTS


def test_waits_are_random_and_grow_to_a_bound():
    waits = []

    def request():
        raise api.ServiceUnavailable("x")

    with pytest.raises(ServiceError):
        call("x", request, sleep=waits.append)
    bounds = [service.FIRST_WAIT_SECONDS * 2**n for n in range(MAX_ATTEMPTS - 1)]
    assert len(waits) == len(bounds)
    assert all(
        0 <= wait <= min(bound, service.MAX_WAIT_SECONDS)
        for wait, bound in zip(waits, bounds, strict=True)
    )
    assert len(set(waits)) > 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (api.Unauthorized("expired"), "401 Unauthorized: expired; .*application-default login"),
        (api.Forbidden("no"), "403 Forbidden: no; .*roles/aiplatform.user"),
        (
            api.Forbidden("Permission 'aiplatform.pipelineJobs.create' denied on resource"),
            "lacks the permission aiplatform.pipelineJobs.create.*roles/aiplatform.user",
        ),
        (
            api.Forbidden("me@x.org does not have storage.objects.create access to the bucket"),
            "storage.objects.create: ask for roles/storage.objectUser",
        ),
        (
            api.Forbidden("You do not have permission iam.serviceAccounts.actAs on sa@p"),
            "roles/iam.serviceAccountUser on the service account",
        ),
        (
            api.Forbidden("aiplatform.googleapis.com has not been used in project 1 before"),
            "gcloud services enable aiplatform.googleapis.com",
        ),
        (api.NotFound("no location"), "--region.*gcloud services enable"),
        (api.BadRequest("bad machine"), "400 Bad Request: bad machine; correct what it names"),
        (auth.DefaultCredentialsError("none"), "no Google credentials.*application-default login"),
        (auth.RefreshError("revoked"), "not valid: revoked; .*application-default login"),
        (requests.exceptions.SSLError("bad certificate"), "no connection: bad certificate"),
    ],
)
def test_error_that_stays_names_its_cure_at_once(error, said):
    def request():
        raise error

    with pytest.raises(ServiceError, match=f"^read it: .*{said}") as caught:
        call("read it", request, sleep=lambda seconds: pytest.fail("waited"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            api.TooManyRequests("exceeds custom_model_training_nvidia_t4_gpus"),
            "429 .*nvidia_t4_gpus; .*iam-admin/quotas",
        ),
        (api.InternalServerError("oops"), "500 .*oops; the same command may be given again"),
        (requests.exceptions.ReadTimeout("late"), "no answer in time.*check the network"),
        (requests.exceptions.ConnectionError("refused"), "no connection.*refused.*HTTPS_PROXY"),
        (auth.TransportError("no route"), "no answer from Google's sign-in.*no route"),
    ],
)
def test_passing_error_that_stays_names_its_cure_after_all_attempts(error, said):
    waits = []

    def request():
        raise error

    with pytest.raises(ServiceError, match=said) as caught:
        call("read it", request, sleep=waits.append)
    assert f"({MAX_ATTEMPTS} attempts)" in str(caught.value)
    assert len(waits) == MAX_ATTEMPTS - 1


def test_missing_bucket_is_told_apart_from_a_missing_region():
    def request():
        raise api.NotFound("GET https://storage.googleapis.com/b/x: The bucket does not exist.")

    said = "list gs://x/day_*: 404 Not Found: The bucket does not exist.; correct the name; `gcloud"
    with pytest.raises(ServiceError, match=f"^{re.escape(said)} storage buckets create"):
        call("list gs://x/day_*", request)


def test_error_of_our_own_passes_as_it_is():
    def request():
        raise KeyError("x")

    with pytest.raises(KeyError):
        call("read it", request)


def test_machine_without_credentials_is_told_how_to_sign_in(monkeypatch):
    def default(scopes):
        raise auth.DefaultCredentialsError("File not found")

    monkeypatch.setattr(google.auth, "default", default)
    with pytest.raises(ServiceError, match="sign in: no Google credentials on this machine"):
        Service("us-central1").jobs()

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import aiplatform
from google.cloud.aiplatform import initializer
from tfx.extensions.google_cloud_ai_platform.pusher import executor as tfx_pusher
from tfx.types import standard_artifacts
from tfx.utils import json_utils

from pipeline.vertex.config import VertexConfig
from pipeline.vertex.jobs.endpoint_pusher_executor import EndpointPusherExecutor, serving_arguments
from pipeline.vertex.site import Site
from tests.pipeline.vertex.fake_serving import FakeServing

SITE = Site("p1", "us-central1", "gs://b/runs", "image")
KEY = "projects/p1/locations/us-central1/keyRings/k/cryptoKeys/c"
CONFIG = {
    "endpoint": {"name": "ctr", "machine_type": "n1-standard-2", "max_replica_count": 3},
    "labels": {"team": "ads"},
    "service_account": "serve@p1.iam.gserviceaccount.com",
    "kms_key_name": KEY,
}


@pytest.fixture
def serving():
    with FakeServing() as fake:
        aiplatform.init(
            api_transport="rest",
            api_endpoint=fake.endpoint,
            credentials=AnonymousCredentials(),
        )
        yield fake
        initializer.global_config.__init__()


def _push(monkeypatch, blessed=1, config=CONFIG):
    """Pushes a model; the `pushed_model` artifact."""
    monkeypatch.setattr(tfx_pusher.io_utils, "copy_dir", lambda src, dst: None)
    monkeypatch.setattr(
        EndpointPusherExecutor, "GetModelPath", lambda self, inputs: "gs://b/runs/model"
    )
    blessing, pushed = standard_artifacts.ModelBlessing(), standard_artifacts.PushedModel()
    blessing.set_int_custom_property("blessed", blessed)
    pushed.uri = "gs://b/runs/7/j/Pusher_1/pushed_model"
    arguments = serving_arguments(VertexConfig.model_validate(config), SITE)
    EndpointPusherExecutor().Do(
        {"model_blessing": [blessing]},
        {"pushed_model": [pushed]},
        {"custom_config": json_utils.dumps(arguments)},
    )
    return pushed


def test_blessed_model_is_deployed_with_all_requests(monkeypatch, serving):
    pushed = _push(monkeypatch)
    [(name, model)] = serving.models.items()
    [endpoint] = serving.endpoints.values()
    assert pushed.get_string_custom_property("pushed_destination") == name
    assert model["artifactUri"] == pushed.uri
    assert model["containerSpec"]["imageUri"] == (
        "us-docker.pkg.dev/vertex-ai/prediction/tf2-cpu.2-15:latest"
    )
    assert endpoint["displayName"] == "ctr"
    assert endpoint["labels"]["team"] == "ads"
    [deployed] = endpoint["deployedModels"]
    assert deployed["model"] == name
    assert deployed["dedicatedResources"] == {
        "machineSpec": {"machineType": "n1-standard-2"},
        "minReplicaCount": 1,
        "maxReplicaCount": 3,
    }
    assert deployed["serviceAccount"] == "serve@p1.iam.gserviceaccount.com"
    assert endpoint["trafficSplit"] == {deployed["id"]: 100}


def test_key_encrypts_model_and_endpoint(monkeypatch, serving):
    _push(monkeypatch)
    [model] = serving.models.values()
    [endpoint] = serving.endpoints.values()
    assert model["encryptionSpec"] == endpoint["encryptionSpec"] == {"kmsKeyName": KEY}


def test_replaced_model_leaves_the_endpoint(monkeypatch, serving):
    _push(monkeypatch)
    pushed = _push(monkeypatch)
    [endpoint] = serving.endpoints.values()
    [deployed] = endpoint["deployedModels"]
    assert len(serving.models) == 2
    assert deployed["model"] == pushed.get_string_custom_property("pushed_destination")


def test_refused_model_is_not_deployed(monkeypatch, serving):
    pushed = _push(monkeypatch, blessed=0)
    assert pushed.get_int_custom_property("pushed") == 0
    assert not serving.requests


def test_server_image_may_be_another(monkeypatch, serving):
    _push(monkeypatch, config={"endpoint": {"name": "ctr", "image": "registry/server:2"}})
    [model] = serving.models.values()
    assert model["containerSpec"]["imageUri"] == "registry/server:2"


@pytest.mark.parametrize(
    ("region", "host"),
    [("us-east1", "us"), ("europe-west4", "europe"), ("asia-east1", "asia"), ("me-west1", "us")],
)
def test_server_image_comes_from_the_registry_of_the_region(region, host):
    config = VertexConfig.model_validate({"endpoint": {"name": "ctr"}})
    arguments = serving_arguments(config, Site("p1", region, "gs://b", "image"))
    image = arguments["ai_platform_vertex_container_image_uri"]
    assert image == f"{host}-docker.pkg.dev/vertex-ai/prediction/tf2-cpu.2-15:latest"

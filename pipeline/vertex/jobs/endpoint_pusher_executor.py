"""The executor that puts the chosen model behind a Vertex endpoint."""

from typing import Any

from google.cloud import aiplatform
from tfx.extensions.google_cloud_ai_platform import constants
from tfx.extensions.google_cloud_ai_platform.pusher import executor
from tfx.types import Artifact, artifact_utils
from tfx.types import standard_component_specs as specs
from tfx.utils import json_utils

from components.progress import report
from pipeline.vertex.config import VertexConfig
from pipeline.vertex.site import Site

_KEY_NAME = "kms_key_name"
# Google keeps the same images in three places.
_REGISTRIES = {"europe": "europe", "asia": "asia"}
_SERVER = "docker.pkg.dev/vertex-ai/prediction/tf2-cpu.2-15:latest"


def serving_arguments(config: VertexConfig, site: Site) -> dict[str, Any]:
    """Returns the `custom_config` of a Pusher with this executor; `config.endpoint` must be there.

    The keys are those of TFX's executor, and `kms_key_name`.
    """
    endpoint = config.endpoint
    assert endpoint is not None
    registry = _REGISTRIES.get(site.region.split("-")[0], "us")
    arguments: dict[str, Any] = {
        "project_id": site.project,
        "endpoint_name": endpoint.name,
        "machine_type": endpoint.machine_type,
        "min_replica_count": endpoint.min_replica_count,
        "max_replica_count": endpoint.max_replica_count,
        "labels": dict(config.labels),
    }
    if config.service_account:
        arguments["service_account"] = config.service_account
    return {
        constants.ENABLE_VERTEX_KEY: True,
        constants.VERTEX_REGION_KEY: site.region,
        constants.VERTEX_CONTAINER_IMAGE_URI_KEY: endpoint.image or f"{registry}-{_SERVER}",
        constants.SERVING_ARGS_KEY: arguments,
        _KEY_NAME: config.kms_key_name,
    }


class EndpointPusherExecutor(executor.Executor):
    """TFX's, which uploads a blessed model, makes the endpoint if needed and deploys the model.

    Besides, the key encrypts model and endpoint, and models that the new one has replaced leave the
    endpoint: their machines would go on to cost money.
    """

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Copies the model into the `pushed_model` folder and deploys it; all requests get to it.

        Raises:
          google.api_core.exceptions.GoogleAPICallError: if Vertex AI refuses a request.
        """
        custom = json_utils.loads(exec_properties["custom_config"])
        serving = custom[constants.SERVING_ARGS_KEY]
        aiplatform.init(
            project=serving["project_id"],
            location=custom[constants.VERTEX_REGION_KEY],
            encryption_spec_key_name=custom[_KEY_NAME],
        )
        super().Do(input_dict, output_dict, exec_properties)
        pushed = artifact_utils.get_single_instance(output_dict[specs.PUSHED_MODEL_KEY])
        if pushed.get_int_custom_property("pushed"):
            _undeploy_replaced(serving["endpoint_name"])


def _undeploy_replaced(endpoint_name: str) -> None:
    """Takes models without a share of the requests from the endpoints of a name."""
    for endpoint in aiplatform.Endpoint.list(filter=f'display_name="{endpoint_name}"'):
        served = {model for model, percent in endpoint.traffic_split.items() if percent}
        for model in endpoint.list_models():
            if model.id not in served:
                report(f"undeploying {model.display_name}, which gets no requests")
                endpoint.undeploy(deployed_model_id=model.id)

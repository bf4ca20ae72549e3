from apache_beam.options.pipeline_options import (
    GoogleCloudOptions,
    PipelineOptions,
    StandardOptions,
    WorkerOptions,
)

from pipeline.vertex.config import VertexConfig
from pipeline.vertex.graph.beam_arguments import dataflow_arguments
from pipeline.vertex.site import Site

SITE = Site("p1", "europe-west4", "gs://b/runs/", "registry/image:1")
KEY = "projects/p1/locations/europe-west4/keyRings/r/cryptoKeys/k"


def _options(config):
    return PipelineOptions(dataflow_arguments(config, SITE))


def test_beam_reads_every_argument():
    config = VertexConfig.model_validate(
        {
            "dataflow": {
                "machine_type": "n2-standard-8",
                "max_num_workers": 7,
                "disk_size_gb": 80,
                "subnetwork": "regions/europe-west4/subnetworks/beam",
                "use_public_ips": False,
            },
            "service_account": "beam@p1.iam.gserviceaccount.com",
            "kms_key_name": KEY,
            "labels": {"team": "ads", "cost": "7"},
        }
    )
    options = _options(config)
    assert PipelineOptions(dataflow_arguments(config, SITE)).get_all_options(
        drop_default=True
    ).keys() == {
        *("runner", "project", "region", "temp_location", "staging_location"),
        *("sdk_container_image", "autoscaling_algorithm", "machine_type", "max_num_workers"),
        *("disk_size_gb", "subnetwork", "use_public_ips", "service_account_email"),
        *("dataflow_kms_key", "labels"),
    }
    workers, cloud = options.view_as(WorkerOptions), options.view_as(GoogleCloudOptions)
    assert (workers.machine_type, workers.max_num_workers) == ("n2-standard-8", 7)
    assert (workers.disk_size_gb, workers.use_public_ips) == (80, False)
    assert workers.subnetwork == "regions/europe-west4/subnetworks/beam"
    assert workers.sdk_container_image == "registry/image:1"
    assert (cloud.project, cloud.region) == ("p1", "europe-west4")
    assert cloud.temp_location == "gs://b/runs/beam/temp"
    assert cloud.staging_location == "gs://b/runs/beam/staging"
    assert cloud.service_account_email == "beam@p1.iam.gserviceaccount.com"
    assert cloud.dataflow_kms_key == KEY
    assert cloud.labels == ["team=ads", "cost=7"]
    assert options.view_as(StandardOptions).runner == "DataflowRunner"


def test_what_is_not_configured_is_left_to_dataflow():
    given = _options(VertexConfig.model_validate({"dataflow": {}})).get_all_options(
        drop_default=True
    )
    assert not {"subnetwork", "use_public_ips", "dataflow_kms_key", "labels"} & set(given)
    assert "service_account_email" not in given

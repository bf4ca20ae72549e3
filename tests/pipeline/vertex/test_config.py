import pytest
from pydantic import ValidationError

from components.errors import InputError
from pipeline.load_config import load_config
from pipeline.vertex.config import (
    DataflowConfig,
    EndpointConfig,
    MachineConfig,
    TaskConfig,
    VertexConfig,
)


def test_machine_of_a_variant_has_its_own_fields_over_the_common_ones():
    config = VertexConfig.model_validate(
        {"trainer": {"boot_disk_gb": 200}, "trainers": {"hashing": {"is_spot": True}}}
    )
    assert config.machine_of("hashing") == MachineConfig(boot_disk_gb=200, is_spot=True)
    assert config.machine_of("full") == MachineConfig(boot_disk_gb=200)


def test_task_of_a_step_has_its_own_fields_over_the_common_ones():
    config = VertexConfig.model_validate({"tasks": {"Transform": {"memory": "32GB"}}})
    assert config.task_of("Transform") == TaskConfig(memory=32 * 10**9)
    assert config.task_of("Pusher") == TaskConfig()


@pytest.mark.parametrize(
    ("fields", "device", "num_replicas"),
    [
        ({}, "cpu", 1),
        ({"num_workers": 3}, "cpu", 3),
        (
            {
                "accelerator_type": "NVIDIA_TESLA_T4",
                "accelerator_count": 2,
                "num_workers": 3,
            },
            "multi_gpu",
            6,
        ),
        ({"machine_type": "ct5lp-hightpu-4t", "tpu_topology": "2x2"}, "tpu", 4),
    ],
)
def test_machine_knows_device_and_replicas(fields, device, num_replicas):
    machine = MachineConfig.model_validate(fields)
    assert (machine.device, machine.num_replicas) == (device, num_replicas)


def test_several_machines_of_tpus_are_refused():
    with pytest.raises(ValidationError, match="num_workers: expected 1 with a TPU, received 2"):
        MachineConfig(
            machine_type="cloud-tpu", accelerator_type="TPU_V3", accelerator_count=8, num_workers=2
        )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"labels": {"Team": "ads"}}, "received 'Team': 'ads'"),
        ({"labels": {"team": "Ads & Co"}}, "received 'team': 'Ads & Co'"),
        ({"labels": {"team": "a" * 64}}, "at most 63"),
        ({"network": "default"}, "network"),
        ({"kms_key_name": "key"}, "kms_key_name"),
        ({"service_account": "me"}, "service_account"),
        ({"trainer": {"machine_type": "n1 standard"}}, "machine_type"),
        ({"trainers": {"full": {"gpus": 1}}}, "trainers.full: gpus"),
        ({"trainers": {"full": {"accelerator_count": 1}}}, "trainers.full: accelerator_count"),
        ({"tasks": {"Pusher": {"cpu_cores": 0}}}, "tasks.Pusher: cpu_cores"),
    ],
)
def test_wrong_value_is_refused_by_name(fields, message):
    with pytest.raises(ValidationError, match=message):
        VertexConfig.model_validate(fields)


def test_subnetwork_may_be_short_or_a_whole_address():
    short = "regions/us-central1/subnetworks/beam"
    for name in (short, f"https://www.googleapis.com/compute/v1/projects/p/{short}"):
        assert DataflowConfig(subnetwork=name).subnetwork == name
    with pytest.raises(ValidationError, match="subnetwork"):
        DataflowConfig(subnetwork="beam")


def test_endpoint_with_more_replicas_at_least_than_at_most_is_refused():
    with pytest.raises(ValidationError, match="at most max_replica_count, 1; received 2"):
        EndpointConfig(name="ctr", min_replica_count=2)


def test_machines_of_a_variant_that_is_not_compared_are_refused():
    with pytest.raises(InputError, match=r"vertex\.trainers: expected compared variants .*'robe'"):
        load_config("tiny", assignments=["vertex.trainers.robe.is_spot=true"])


def test_machines_do_not_hinder_a_local_run():
    config = load_config("tiny", assignments=["trainer.device=gpu"])
    assert config.vertex.machine_of("full").device == "cpu"

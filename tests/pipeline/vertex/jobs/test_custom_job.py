import pytest
from google.cloud.aiplatform_v1.types import AcceleratorType, CreateCustomJobRequest, CustomJob
from google.cloud.aiplatform_v1.types.custom_job import Scheduling
from google.protobuf import json_format

from components.errors import InputError
from components.trainer.config import TrainerConfig
from pipeline.vertex.api.request_check import check_required
from pipeline.vertex.config import MachineConfig, VertexConfig
from pipeline.vertex.jobs.custom_job import check_training, check_trials, custom_job

COMMAND = ("python", "-m", "work")
KEY = "projects/p/locations/r/keyRings/k/cryptoKeys/c"


def _sent(machine=None, config=None):
    """The message that the service would read; an unknown field is an error."""
    body = custom_job(
        "Trainer_full",
        MachineConfig.model_validate(machine or {}),
        VertexConfig.model_validate(config or {}),
        image="registry/image:1",
        command=COMMAND,
        args=("--a", "b"),
    )
    job = CustomJob()
    json_format.ParseDict(body, CustomJob.pb(job))
    check_required(CreateCustomJobRequest(parent="projects/p/locations/r", custom_job=job))
    return job


def _pools(machine):
    return _sent(machine).job_spec.worker_pool_specs


def test_cpu_job_has_one_pool_of_one_machine():
    job = _sent()
    [pool] = job.job_spec.worker_pool_specs
    assert job.display_name == "Trainer_full"
    assert (pool.machine_spec.machine_type, pool.replica_count) == ("n1-standard-8", 1)
    assert pool.machine_spec.accelerator_type == AcceleratorType.ACCELERATOR_TYPE_UNSPECIFIED
    assert pool.container_spec.image_uri == "registry/image:1"
    assert list(pool.container_spec.command) == list(COMMAND)
    assert list(pool.container_spec.args) == ["--a", "b"]


@pytest.mark.parametrize("count", [1, 4])
def test_gpu_job_names_type_and_number_of_the_gpus(count):
    machine = {"accelerator_type": "NVIDIA_TESLA_T4", "accelerator_count": count}
    [pool] = _pools(machine)
    assert pool.machine_spec.machine_type == "n1-standard-8"
    assert pool.machine_spec.accelerator_type == AcceleratorType.NVIDIA_TESLA_T4
    assert pool.machine_spec.accelerator_count == count


@pytest.mark.parametrize("name", ["TPU_V2", "TPU_V3"])
def test_cloud_tpu_job_names_the_tpu_and_its_eight_cores(name):
    machine = {"machine_type": "cloud-tpu", "accelerator_type": name, "accelerator_count": 8}
    [pool] = _pools(machine)
    spec = pool.machine_spec
    assert (spec.machine_type, spec.accelerator_count) == ("cloud-tpu", 8)
    assert spec.accelerator_type == AcceleratorType[name]
    assert not spec.tpu_topology


def test_v5e_job_names_the_topology_and_no_accelerator():
    [pool] = _pools({"machine_type": "ct5lp-hightpu-4t", "tpu_topology": "2x2"})
    spec = pool.machine_spec
    assert (spec.machine_type, spec.tpu_topology) == ("ct5lp-hightpu-4t", "2x2")
    assert spec.accelerator_type == AcceleratorType.ACCELERATOR_TYPE_UNSPECIFIED
    assert spec.accelerator_count == 0


def test_several_workers_are_a_chief_and_a_pool_of_the_others():
    machine = {
        "accelerator_type": "NVIDIA_TESLA_V100",
        "accelerator_count": 2,
        "num_workers": 4,
    }
    chief, workers = _pools(machine)
    assert (chief.replica_count, workers.replica_count) == (1, 3)
    assert chief.machine_spec == workers.machine_spec
    assert chief.container_spec == workers.container_spec


def test_workers_start_anew_together_as_they_cannot_join_again():
    assert _sent({"num_workers": 2}).job_spec.scheduling.restart_job_on_worker_restart
    assert not _sent().job_spec.scheduling.restart_job_on_worker_restart


def test_job_has_a_time_limit():
    scheduling = _sent({"timeout_hours": 1.5}).job_spec.scheduling
    assert scheduling.timeout.total_seconds() == 5400
    assert scheduling.strategy == Scheduling.Strategy.STRATEGY_UNSPECIFIED


def test_spot_machines_are_asked_for():
    assert _sent({"is_spot": True}).job_spec.scheduling.strategy == Scheduling.Strategy.SPOT


def test_disk_is_named_where_it_is_not_the_usual_one():
    [usual] = _pools({})
    [large] = _pools({"boot_disk_gb": 300})
    assert usual.disk_spec.boot_disk_size_gb == 0
    assert large.disk_spec.boot_disk_size_gb == 300


def test_account_network_key_and_labels_are_those_of_the_run():
    config = {
        "service_account": "train@p.iam.gserviceaccount.com",
        "network": "projects/1/global/networks/n",
        "kms_key_name": KEY,
        "labels": {"team": "ads"},
    }
    job = _sent(config=config)
    assert job.job_spec.service_account == "train@p.iam.gserviceaccount.com"
    assert job.job_spec.network == "projects/1/global/networks/n"
    assert job.encryption_spec.kms_key_name == KEY
    assert dict(job.labels) == {"team": "ads"}


T4 = {"accelerator_type": "NVIDIA_TESLA_T4", "accelerator_count": 1}
TWO_T4 = {"accelerator_type": "NVIDIA_TESLA_T4", "accelerator_count": 2}
V5E = {"machine_type": "ct5lp-hightpu-4t", "tpu_topology": "2x2"}
V3 = {"machine_type": "cloud-tpu", "accelerator_type": "TPU_V3", "accelerator_count": 8}


@pytest.mark.parametrize(
    ("machine", "device"),
    [
        ({}, "auto"),
        ({}, "cpu"),
        (T4, "auto"),
        (T4, "gpu"),
        (TWO_T4, "multi_gpu"),
        (V5E, "auto"),
        (V5E, "tpu"),
        (V3, "tpu"),
        ({"num_workers": 2}, "multi_worker"),
        ({**TWO_T4, "num_workers": 2}, "multi_worker"),
    ],
)
def test_device_that_suits_the_machines_passes(machine, device):
    check_training(MachineConfig.model_validate(machine), TrainerConfig(device=device), "f")


@pytest.mark.parametrize(
    ("machine", "device", "expected"),
    [
        ({}, "gpu", "auto or cpu, received gpu"),
        ({}, "tpu", "auto or cpu, received tpu"),
        (T4, "cpu", "auto or gpu, received cpu"),
        (T4, "multi_gpu", "auto or gpu, received multi_gpu"),
        (TWO_T4, "gpu", "auto or multi_gpu, received gpu"),
        (V5E, "cpu", "auto or tpu, received cpu"),
        ({"num_workers": 2}, "auto", "multi_worker, received auto"),
        ({}, "multi_worker", "auto or cpu, received multi_worker"),
    ],
)
def test_device_that_does_not_suit_the_machines_is_refused(machine, device, expected):
    with pytest.raises(InputError, match=f"^vertex.trainers.a: a on .*device {expected}$"):
        check_training(
            MachineConfig.model_validate(machine),
            TrainerConfig(variant="a", device=device),
            "vertex.trainers.a",
        )


@pytest.mark.parametrize(
    ("machine", "device", "replicas"),
    [(TWO_T4, "auto", 2), (V3, "tpu", 8), ({"num_workers": 3}, "multi_worker", 3)],
)
def test_batch_that_cannot_be_divided_is_refused(machine, device, replicas):
    trainer = TrainerConfig(device=device, batch_size=replicas * 10 + 1)
    with pytest.raises(InputError, match=f"a multiple of {replicas}, .*received {replicas}1"):
        check_training(MachineConfig.model_validate(machine), trainer, "f")


def test_optimizer_that_tpus_lack_is_refused_for_device_auto_too():
    trainer = TrainerConfig.model_validate({"embedding_optimizer": {"name": "adam"}})
    with pytest.raises(InputError, match="expected sgd or adagrad"):
        check_training(MachineConfig.model_validate(V5E), trainer, "f")


def test_trials_train_on_one_of_the_machines_each():
    machine = MachineConfig.model_validate({**T4, "num_workers": 5})
    check_trials(machine, TrainerConfig(device="gpu"), "vertex.tuner")
    with pytest.raises(InputError, match=r"vertex\.tuner: .*auto or gpu, received multi_worker"):
        check_trials(machine, TrainerConfig(device="multi_worker"), "vertex.tuner")

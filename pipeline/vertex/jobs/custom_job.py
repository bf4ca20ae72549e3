"""The request of a Vertex AI custom job: machines, image, command, limits, account, labels."""

from collections.abc import Sequence
from typing import Any

from components.errors import InputError
from components.trainer.config import TrainerConfig
from pipeline.vertex.config import MachineConfig, VertexConfig

# What Vertex AI gives unasked; some machines take no other kind of disk than their own.
_DEFAULT_BOOT_DISK_GB = 100


def custom_job(
    display_name: str,
    machine: MachineConfig,
    config: VertexConfig,
    image: str,
    command: Sequence[str],
    args: Sequence[str] = (),
    workers_need_each_other: bool = True,
) -> dict[str, Any]:
    """Returns the body of a request for a custom job (REST v1, `projects.locations.customJobs`).

    The first worker pool is one machine, the second all further ones. Vertex AI tells each of them
    in TF_CONFIG that the first pool's is the `chief` and the second's are `worker` 0, 1 and so on,
    and in CLUSTER_SPEC the same as `workerpool0` and `workerpool1`.

    Args:
      display_name: for people.
      machine: of all workers.
      config: account, network, key and labels.
      image: the container image.
      command: takes the place of the image's entry point.
      args: of the command.
      workers_need_each_other: whether all workers start anew where one is started again: those
        that train together cannot take one back. A tuner's can.
    """
    pool: dict[str, Any] = {
        "machineSpec": _machine_spec(machine),
        "containerSpec": {"imageUri": image, "command": list(command), "args": list(args)},
    }
    if machine.boot_disk_gb != _DEFAULT_BOOT_DISK_GB:
        pool["diskSpec"] = {"bootDiskSizeGb": machine.boot_disk_gb}
    counts = [1] if machine.num_workers == 1 else [1, machine.num_workers - 1]
    job_spec: dict[str, Any] = {
        # int64 is a string in JSON.
        "workerPoolSpecs": [{**pool, "replicaCount": str(count)} for count in counts],
        "scheduling": {
            "timeout": f"{round(machine.timeout_hours * 3600)}s",
            "restartJobOnWorkerRestart": machine.num_workers > 1 and workers_need_each_other,
            **({"strategy": "SPOT"} if machine.is_spot else {}),
        },
    }
    job: dict[str, Any] = {
        "displayName": display_name,
        "jobSpec": job_spec,
        "labels": dict(config.labels),
    }
    if config.service_account:
        job_spec["serviceAccount"] = config.service_account
    if config.network:
        job_spec["network"] = config.network
    if config.kms_key_name:
        job["encryptionSpec"] = {"kmsKeyName": config.kms_key_name}
    return job


def _machine_spec(machine: MachineConfig) -> dict[str, Any]:
    spec: dict[str, Any] = {"machineType": machine.machine_type}
    if machine.accelerator_type:
        spec["acceleratorType"] = machine.accelerator_type
        spec["acceleratorCount"] = machine.accelerator_count
    if machine.tpu_topology:
        spec["tpuTopology"] = machine.tpu_topology
    return spec


def check_training(machine: MachineConfig, trainer: TrainerConfig, field: str) -> None:
    """Refuses machines that the trainer would not use, or not start on.

    Args:
      machine: of the job.
      trainer: that runs on them.
      field: of the configuration that names the machines, for the message.

    Raises:
      InputError: says what was expected of `device` or `batch_size` and what was received.
    """
    where = f"{field}: {trainer.variant} on {_describe(machine)}"
    suitable = {"multi_worker"} if machine.num_workers > 1 else {"auto", machine.device}
    if trainer.device not in suitable:
        raise InputError(
            f"{where}: expected trainer.device {' or '.join(sorted(suitable))}, received "
            f"{trainer.device}"
        )
    if trainer.batch_size % machine.num_replicas:
        raise InputError(
            f"{where}: expected a batch_size that is a multiple of {machine.num_replicas}, the "
            f"number of replicas, received {trainer.batch_size}"
        )
    if machine.device == "tpu":
        try:
            TrainerConfig.model_validate({**trainer.model_dump(), "device": "tpu"})
        except ValueError as error:
            raise InputError(f"{where}: {error}") from error


def check_trials(machine: MachineConfig, trainer: TrainerConfig, field: str) -> None:
    """Refuses machines that the tuner's trials would not use; each is trained on one of them.

    Raises:
      InputError: as `check_training`.
    """
    check_training(machine.model_copy(update={"num_workers": 1}), trainer, field)


def _describe(machine: MachineConfig) -> str:
    parts = [f"{machine.num_workers} x {machine.machine_type}"]
    if machine.accelerator_type:
        parts.append(f"{machine.accelerator_count} {machine.accelerator_type}")
    if machine.tpu_topology:
        parts.append(f"topology {machine.tpu_topology}")
    return " with ".join(parts)

"""What a run on Vertex AI needs besides what any run needs: machines, accounts, limits."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    ByteSize,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from components.trainer.config import DeviceKind
from pipeline.vertex.graph.machines import check_machine, device_of, replicas_of
from schemas.step_config import ConfigT, StepConfig

# What Google allows in labels.
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
MachineType = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class MachineConfig(StepConfig):
    """The machines of one custom job.

    Attributes:
      machine_type: Google's name of each machine.
      accelerator_type: Google's name of its GPUs or of its TPU v2 or v3; None without. A TPU v5e is
        part of the machine type, so it is None then.
      accelerator_count: how many of them a machine has.
      tpu_topology: of a TPU v5e, such as `"2x2"`.
      num_workers: how many machines train together, each with its part of every batch.
      boot_disk_gb: size of a machine's disk, GB.
      is_spot: whether Google may take the machines away; a trainer goes on from its checkpoint.
      timeout_hours: after so long the job is stopped.
    """

    machine_type: MachineType = "n1-standard-8"
    accelerator_type: str | None = Field(default=None, min_length=1)
    accelerator_count: int = Field(default=0, ge=0)
    tpu_topology: str | None = Field(default=None, pattern=r"^[0-9]+x[0-9]+$")
    num_workers: int = Field(default=1, ge=1, le=100)
    boot_disk_gb: int = Field(default=100, ge=100, le=64_000)
    is_spot: bool = False
    timeout_hours: float = Field(default=24.0, gt=0, le=168, allow_inf_nan=False)

    @model_validator(mode="after")
    def _can_be_had(self) -> "MachineConfig":
        check_machine(
            self.machine_type, self.accelerator_type, self.accelerator_count, self.tpu_topology
        )
        if self.device == "tpu" and self.num_workers > 1:
            raise ValueError(
                f"num_workers: expected 1 with a TPU, received {self.num_workers}: a machine's "
                "cores train together, several machines of TPUs do not"
            )
        return self

    @property
    def device(self) -> DeviceKind:
        """What one of the machines trains on."""
        return device_of(self.machine_type, self.accelerator_count)

    @property
    def num_replicas(self) -> int:
        """Into how many parts all machines together divide a batch."""
        return self.num_workers * replicas_of(self.machine_type, self.accelerator_count)


class DataflowConfig(StepConfig):
    """The workers of the Beam steps.

    Attributes:
      machine_type: Google's name of each worker.
      max_num_workers: Dataflow adds workers up to so many as there is work.
      disk_size_gb: size of a worker's disk, GB.
      subnetwork: `regions/REGION/subnetworks/NAME`; None is the default one.
      use_public_ips: whether workers have addresses on the internet.
    """

    machine_type: MachineType = "n1-standard-4"
    max_num_workers: int = Field(default=10, ge=1, le=1000)
    disk_size_gb: int = Field(default=50, ge=30)
    subnetwork: str | None = Field(
        default=None, pattern=r"^(https://.+/)?(projects/.+/)?regions/[^/]+/subnetworks/[^/]+$"
    )
    use_public_ips: bool = True


class TaskConfig(StepConfig):
    """What the container of one step of the pipeline asks for.

    Attributes:
      cpu_cores: at least so many.
      memory: at least so many bytes.
    """

    cpu_cores: int = Field(default=4, ge=1, le=96)
    memory: ByteSize = Field(default=ByteSize(16 * 10**9), gt=0)


class EndpointConfig(StepConfig):
    """The Vertex endpoint that serves the chosen model.

    Attributes:
      name: the display name; an endpoint that has it is used again.
      machine_type: Google's name of each replica.
      min_replica_count: so many run at all times.
      max_replica_count: so many at most.
      image: of the model server; None is Google's of TensorFlow 2.15.
    """

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", max_length=100)
    machine_type: MachineType = "n1-standard-4"
    min_replica_count: int = Field(default=1, ge=1)
    max_replica_count: int = Field(default=1, ge=1)
    image: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _minimum_is_below_maximum(self) -> "EndpointConfig":
        if self.min_replica_count > self.max_replica_count:
            raise ValueError(
                f"expected min_replica_count of at most max_replica_count, "
                f"{self.max_replica_count}; received {self.min_replica_count}"
            )
        return self


class VertexConfig(StepConfig):
    """How a run is spread over Google's machines. A local run does not heed it.

    Attributes:
      dataflow: the workers of the Beam steps; None runs Beam in the steps' own containers.
      task: what each step's container asks for.
      tasks: step id -> the `TaskConfig` fields that differ from `task`.
      trainer: the machines of each trainer's custom job.
      trainers: variant -> the `MachineConfig` fields that differ from `trainer`.
      tuner: the machines of the tuner's custom job: with several workers trials run side by side.
        None searches in the step's own container.
      endpoint: serves the chosen model; None leaves it in the folder of pushed models.
      service_account: that steps, jobs and workers run as; None is the project's default.
      network: `projects/NUMBER/global/networks/NAME`, peered with Vertex AI; None is Google's.
      kms_key_name: key that encrypts what Vertex AI and Dataflow keep; None is Google's.
      labels: of everything that is created, for the bill.
      enable_caching: whether steps whose inputs have not changed are skipped.
    """

    dataflow: DataflowConfig | None = None
    task: TaskConfig = Field(default_factory=TaskConfig)
    tasks: dict[str, dict[str, Any]] = Field(default_factory=dict)
    trainer: MachineConfig = Field(default_factory=MachineConfig)
    trainers: dict[str, dict[str, Any]] = Field(default_factory=dict)
    tuner: MachineConfig | None = None
    endpoint: EndpointConfig | None = None
    service_account: str | None = Field(default=None, pattern=r"^[^@\s]+@[^@\s]+$")
    network: str | None = Field(default=None, pattern=r"^projects/[^/]+/global/networks/[^/]+$")
    kms_key_name: str | None = Field(
        default=None,
        pattern=r"^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$",
    )
    labels: dict[str, str] = Field(default_factory=dict)
    enable_caching: bool = True

    @field_validator("labels")
    @classmethod
    def _labels_are_allowed(cls, labels: dict[str, str]) -> dict[str, str]:
        for key, value in labels.items():
            if not (_LABEL_KEY.fullmatch(key) and _LABEL_VALUE.fullmatch(value)):
                raise ValueError(
                    "expected keys and values of at most 63 small letters, digits, - and _, keys "
                    f"beginning with a letter; received {key!r}: {value!r}"
                )
        return labels

    @model_validator(mode="after")
    def _can_tell_every_step(self) -> "VertexConfig":
        for section, names, of_name in (
            ("tasks", self.tasks, self.task_of),
            ("trainers", self.trainers, self.machine_of),
        ):
            for name in names:
                try:
                    of_name(name)
                except ValidationError as error:
                    raise ValueError(f"{section}.{name}: {_words(error)}") from error
        return self

    def machine_of(self, variant: str) -> MachineConfig:
        """Returns the machines that train a variant."""
        return _merged(self.trainer, self.trainers.get(variant, {}))

    def task_of(self, step: str) -> TaskConfig:
        """Returns what a step's container asks for."""
        return _merged(self.task, self.tasks.get(step, {}))


def _merged(base: ConfigT, fields: Mapping[str, Any]) -> ConfigT:
    """Returns a configuration with other fields, checked as if it had been written so."""
    return type(base).model_validate({**base.model_dump(), **fields})


def _words(error: ValidationError) -> str:
    """What is wrong, without pydantic's address of it."""
    return "; ".join(
        ": ".join((*map(str, each["loc"]), each["msg"].removeprefix("Value error, ")))
        for each in error.errors()
    )

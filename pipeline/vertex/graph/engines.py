"""Puts each step of a made pipeline where it belongs on Google's machines."""

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.message import Message
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.components import Pusher, Trainer
from tfx.dsl.components.base.base_beam_component import BaseBeamComponent
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.orchestration.pipeline import Pipeline
from tfx.utils import json_utils, name_utils

from components.errors import InputError
from components.trainer.config import TrainerConfig
from components.trainer.tuning.component import TrainerTuner
from pipeline.config import PipelineConfig
from pipeline.local_beam import THREADED_STEPS, thread_arguments
from pipeline.vertex.config import MachineConfig, VertexConfig
from pipeline.vertex.graph.beam_arguments import dataflow_arguments
from pipeline.vertex.jobs.custom_job import check_training, check_trials, custom_job
from pipeline.vertex.jobs.custom_job_executor import (
    CUSTOM_CONFIG,
    VERTEX_JOB,
    CustomJobExecutor,
    WorkerTrainerExecutor,
)
from pipeline.vertex.jobs.endpoint_pusher_executor import EndpointPusherExecutor, serving_arguments
from pipeline.vertex.site import Site, Target

_ResourceSpec = pipeline_spec_pb2.PipelineDeploymentConfig.PipelineContainerSpec.ResourceSpec

_JOB_COMMAND = ("python", "-m", "tfx.scripts.run_executor")
# What a cluster calls every kind of GPU.
_KUBERNETES_GPU = "nvidia.com/gpu"


def place(pipeline: Pipeline, config: PipelineConfig, site: Site, target: Target) -> None:
    """Tells every step where it runs, in place.

    What a trainer's job is made of, machines, project and endpoint included, becomes part of the
    step's parameters, so a trainer whose machines change is not answered from the cache.

    Args:
      pipeline: made by `create_pipeline` from the same configuration and not yet compiled.
      config: of the run.
      site: project, region, folder and image.
      target: Vertex AI or a Kubeflow Pipelines server. On a server trainers and tuner run in their
        steps' own containers, with GPUs if their machines have some.

    Raises:
      InputError: if a step is unknown, machines do not suit the trainer that is to run on them, or
        the target lacks what is asked for.
    """
    vertex = config.vertex
    _check(vertex, [step.id for step in pipeline.components], site, target)
    pipeline.enable_cache = vertex.enable_caching
    for step in pipeline.components:
        machine = _machine(step, config)
        step.with_platform_config(_resources(vertex, step, machine if target == "kfp" else None))
        if isinstance(step, BaseBeamComponent):
            step.with_beam_pipeline_args(_beam_arguments(vertex, site, step, target))
        if machine is not None and machine.device != "cpu" and not site.is_local:
            _require_device(step, machine)
        if machine is not None and target == "vertex":
            _give_job(step, vertex, machine, site)
        if isinstance(step, Pusher) and vertex.endpoint is not None:
            step.executor_spec = ExecutorClassSpec(EndpointPusherExecutor)
            _add_custom_config(step, serving_arguments(vertex, site))


def _check(config: VertexConfig, steps: Sequence[str], site: Site, target: Target) -> None:
    """Refuses what no step has and what the target cannot do."""
    for name in config.tasks:
        if name not in steps:
            known = ", ".join(steps)
            raise InputError(f"vertex.tasks: expected steps ({known}), received {name!r}")
    if target == "kfp" and config.endpoint is not None:
        raise InputError(
            "vertex.endpoint: a Kubeflow Pipelines server leaves the model in its folder; expected "
            f"none, received {config.endpoint.name}"
        )
    if config.dataflow is not None and not (site.project and site.region):
        raise InputError(
            "vertex.dataflow: Dataflow needs a project and a region; expected --project and "
            f"--region, received {site.project!r} and {site.region!r}"
        )


def _machine(step: BaseComponent, config: PipelineConfig) -> MachineConfig | None:
    """Returns the machines of a trainer or tuner; None for a step that has none of its own."""
    vertex = config.vertex
    if isinstance(step, Trainer):
        trainer = TrainerConfig.from_json(_custom_config(step)["config"])
        machine = vertex.machine_of(trainer.variant)
        check_training(machine, trainer, f"vertex.trainers.{trainer.variant}")
        return machine
    if isinstance(step, TrainerTuner):
        trainer = TrainerConfig.from_json(step.exec_properties["trainer"])
        check_trials(vertex.tuner or _own_container(), trainer, "vertex.tuner")
        return vertex.tuner
    return None


def _own_container() -> MachineConfig:
    """A machine without accelerator: what a step's own container has."""
    return MachineConfig()


def _resources(config: VertexConfig, step: BaseComponent, machine: MachineConfig | None) -> Message:
    """Returns what a step's container asks for, with the GPUs of the machine that it stands for.

    Raises:
      InputError: if that machine has a TPU or is one of several.
    """
    task = config.task_of(step.id)
    resources = _ResourceSpec(cpu_limit=task.cpu_cores, memory_limit=task.memory / 1e9)
    if machine is None:
        return resources
    if machine.device == "tpu" or machine.num_workers > 1:
        raise InputError(
            f"{step.id}: a Kubeflow Pipelines server runs it in one container, with or without "
            f"GPUs; expected such machines, received {machine.num_workers} x "
            f"{machine.machine_type}"
        )
    if machine.accelerator_count:
        resources.accelerator.type = _KUBERNETES_GPU
        resources.accelerator.count = machine.accelerator_count
    return resources


def _beam_arguments(
    config: VertexConfig, site: Site, step: BaseComponent, target: Target
) -> list[str]:
    """Returns Beam's arguments of one step."""
    if config.dataflow is not None:
        return dataflow_arguments(config, site)
    if step.id not in THREADED_STEPS:
        return []
    # A step on Vertex AI has a machine to itself: 0 takes all its cores. A container on a cluster
    # sees the cores of the whole node.
    return thread_arguments(0 if target == "vertex" else config.task_of(step.id).cpu_cores)


def _give_job(
    step: BaseComponent, config: VertexConfig, machine: MachineConfig, site: Site
) -> None:
    """Lets a custom job do the work of a step, in place."""
    executor = step.executor_spec.executor_class
    if isinstance(step, Trainer) and machine.num_workers > 1:
        executor = WorkerTrainerExecutor
    job = {
        "project": site.project,
        "region": site.region,
        "endpoint": site.endpoint,
        "executor_class_path": name_utils.get_full_name(executor),
        "job": custom_job(
            step.id,
            machine,
            config,
            site.image_for(machine.device),
            _JOB_COMMAND,
            workers_need_each_other=isinstance(step, Trainer),
        ),
    }
    step.executor_spec = ExecutorClassSpec(CustomJobExecutor)
    _add_custom_config(step, {VERTEX_JOB: job})


def _require_device(step: BaseComponent, machine: MachineConfig) -> None:
    """Lets a trainer fail where it does not see its accelerator, in place.

    With device `auto` it would train on the CPU, for days perhaps, beside what is paid for.
    """
    if isinstance(step, Trainer):
        text = _custom_config(step)["config"]
    else:
        text = step.exec_properties["trainer"]
    trainer = TrainerConfig.from_json(text)
    if trainer.device != "auto":
        return
    explicit = TrainerConfig.model_validate({**trainer.model_dump(), "device": machine.device})
    if isinstance(step, Trainer):
        _add_custom_config(step, {"config": explicit.to_json()})
    else:
        step.exec_properties["trainer"] = explicit.to_json()


def _custom_config(step: BaseComponent) -> dict[str, Any]:
    config: dict[str, Any] = json_utils.loads(step.exec_properties.get(CUSTOM_CONFIG) or "{}") or {}
    return config


def _add_custom_config(step: BaseComponent, entries: Mapping[str, Any]) -> None:
    step.exec_properties[CUSTOM_CONFIG] = json_utils.dumps({**_custom_config(step), **entries})

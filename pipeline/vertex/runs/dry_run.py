"""What `submit` would do, without doing it."""

from collections.abc import Mapping
from typing import Any

from pipeline.config import PipelineConfig
from pipeline.vertex.api.account import describe_account
from pipeline.vertex.config import MachineConfig
from pipeline.vertex.site import Site


def render_plan(
    job: Mapping[str, Any], config: PipelineConfig, site: Site, job_id: str, cron: str | None
) -> str:
    """Returns what would be created, where, and as whom.

    Args:
      job: what `compile_pipeline` returned for Vertex AI.
      config: that it was made from.
      site: where it would go.
      job_id: of the submission.
      cron: of a schedule; None for one run.
    """
    vertex = config.vertex
    labels = ", ".join(f"{key}={value}" for key, value in sorted(job.get("labels", {}).items()))
    lines = {
        "would create": f"schedule {job_id} ({cron})" if cron else f"pipeline job {job_id}",
        "in": f"project {site.project}, region {site.region}, {site.api_endpoint}",
        "sent by": describe_account(),
        "runs as": vertex.service_account or "the project's Compute Engine default account",
        "artifacts": site.pipeline_root,
        "pushed to": pushed_to(config, site),
        "image": _images(site),
        "network": vertex.network or "Google's",
        "encryption key": vertex.kms_key_name or "Google's",
        "caching": "on" if vertex.enable_caching else "off",
        "labels": labels,
        "tasks": ", ".join(sorted(job["pipelineSpec"]["root"]["dag"]["tasks"])),
        "Beam": _beam(config),
        **_custom_jobs(config),
    }
    width = max(map(len, lines))
    return "\n".join(f"{name:<{width}}  {text}" for name, text in lines.items())


def _images(site: Site) -> str:
    others = {"GPU": site.gpu_image, "TPU": site.tpu_image}
    named = [f"{device}: {image}" for device, image in others.items() if image]
    return f"{site.image} ({', '.join(named)})" if named else site.image


def pushed_to(config: PipelineConfig, site: Site) -> str:
    """Returns where the chosen model goes: the name of an endpoint, or a folder."""
    endpoint = config.vertex.endpoint
    return f"endpoint {endpoint.name}" if endpoint else site.serving_model_dir


def _beam(config: PipelineConfig) -> str:
    workers = config.vertex.dataflow
    if workers is None:
        return "in the steps' own containers"
    return f"Dataflow, up to {workers.max_num_workers} x {workers.machine_type} a step"


def _custom_jobs(config: PipelineConfig) -> dict[str, str]:
    """Custom jobs of the trainers and of the tuner: what starts them -> their machines."""
    vertex = config.vertex
    jobs = {
        f"custom job, {name}": _machines(vertex.machine_of(name), config.seeds)
        for name in config.variants
    }
    if config.tuner is not None and vertex.tuner is not None:
        jobs["custom job, Tuner"] = _machines(vertex.tuner, 1)
    return jobs


def _machines(machine: MachineConfig, num_jobs: int) -> str:
    text = f"{machine.num_workers} x {machine.machine_type}"
    if machine.accelerator_type:
        text += f" with {machine.accelerator_count} {machine.accelerator_type}"
    if machine.tpu_topology:
        text += f", topology {machine.tpu_topology}"
    if num_jobs > 1:
        text += f", {num_jobs} such jobs (one a seed)"
    return f"{text}, at most {machine.timeout_hours:g} hours{', spot' if machine.is_spot else ''}"

"""The pipeline as the file that Vertex AI or a Kubeflow Pipelines server runs."""

import json
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import (
    KubeflowV2DagRunner,
    KubeflowV2DagRunnerConfig,
)
from tfx.orchestration.kubeflow.v2.pipeline_builder import DEFAULT_IMAGE_PATH_KEY
from tfx.orchestration.pipeline import Pipeline

from components.files import write_text
from pipeline.config import PipelineConfig
from pipeline.pipeline import create_pipeline
from pipeline.vertex.graph import example_gen_driver
from pipeline.vertex.graph.engines import place
from pipeline.vertex.site import Site, Target


def compile_pipeline(
    config: PipelineConfig,
    site: Site,
    data: str,
    target: Target = "vertex",
    pushes: bool = True,
) -> dict[str, Any]:
    """Compiles the pipeline.

    Args:
      config: of all steps.
      site: project, region, folder and image.
      data: pattern of the raw click logs.
      target: `"vertex"` (pipeline spec 2.0, which TFX makes for Vertex AI) or `"kfp"` (2.1, for a
        Kubeflow Pipelines server).
      pushes: whether the chosen model is pushed; False leaves Pusher out.

    Returns:
      the PipelineJob as JSON: `displayName`, `labels`, `pipelineSpec` and `runtimeConfig`.

    Raises:
      InputError: if pattern, machines and configuration do not suit each other.
    """
    serving_model_dir = site.serving_model_dir if pushes else None
    pipeline = create_pipeline(config, data, site.pipeline_root, serving_model_dir)
    place(pipeline, config, site, target)
    runner_config = KubeflowV2DagRunnerConfig(
        default_image=_images(pipeline, site), use_pipeline_spec_2_1=target == "kfp"
    )
    job: dict[str, Any] = KubeflowV2DagRunner(runner_config).run(pipeline, write_out=False)
    job["labels"] = {**job.get("labels", {}), **config.vertex.labels}
    spec = job["pipelineSpec"]
    _use_own_driver(spec, target)
    [example_gen] = (step for step in pipeline.components if step.id == "ExampleGen")
    # TFX leaves out what this kind of step asks for.
    spec["deploymentSpec"]["executors"]["ExampleGen_executor"]["container"]["resources"] = (
        json_format.MessageToDict(example_gen.platform_config)
    )
    # Its cache would not know what was pushed since: a server takes the newest version.
    spec["root"]["dag"]["tasks"].get("Pusher", {}).pop("cachingOptions", None)
    if target == "kfp":
        _rename_tasks(spec)
    return job


def _rename_tasks(spec: dict[str, Any]) -> None:
    """Takes underscores out of the tasks' names: Argo, which such a server runs on, has none.

    A variant's name has no hyphen, so the names stay different.
    """
    dag = spec["root"]["dag"]
    for task in dag["tasks"].values():
        task["taskInfo"]["name"] = _task_name(task["taskInfo"]["name"])
        if "dependentTasks" in task:
            task["dependentTasks"] = [_task_name(name) for name in task["dependentTasks"]]
        for artifact in task.get("inputs", {}).get("artifacts", {}).values():
            source = artifact["taskOutputArtifact"]
            source["producerTask"] = _task_name(source["producerTask"])
    dag["tasks"] = {_task_name(name): task for name, task in dag["tasks"].items()}


def _task_name(step: str) -> str:
    return step.replace("_", "-")


def _images(pipeline: Pipeline, site: Site) -> str | dict[str, str]:
    """Returns the image of all steps, or of those with GPUs by their names and of the others."""
    gpu_steps = [s.id for s in pipeline.components if s.platform_config.accelerator.count]
    if not gpu_steps:
        return site.image
    return {DEFAULT_IMAGE_PATH_KEY: site.image, **dict.fromkeys(gpu_steps, site.image_for("gpu"))}


def _use_own_driver(spec: dict[str, Any], target: Target) -> None:
    """Puts our driver in the place of TFX's, whose fingerprint knows the newest span only."""
    container = spec["deploymentSpec"]["executors"]["ExampleGen_executor"]["container"]
    command = ["python", "-m", example_gen_driver.MODULE]
    if target == "vertex":
        container["lifecycle"]["preCacheCheck"]["command"] = command
        return
    # A Kubeflow Pipelines server calls no driver, so its cache would not see that files changed.
    del container["lifecycle"]
    container["command"] = command
    spec["root"]["dag"]["tasks"]["ExampleGen"].pop("cachingOptions", None)


def write_spec(job: dict[str, Any], path: Path) -> None:
    """Writes a compiled pipeline as JSON, whole or not at all."""
    write_text(str(path), json.dumps(job, indent=2, sort_keys=True) + "\n")

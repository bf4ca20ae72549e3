"""What a compiled pipeline looks like, for people and for a test that sees it change.

Renewed by `python -m tests.pipeline.vertex.compiled_shapes`; read the difference before you commit.
"""

import json
import os
import sys
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent / "compiled_shapes"
EVERYTHING = (
    "seeds=2",
    "tuner.search.fields={embedding_dim: {values: [2, 4]}}",
    "vertex.dataflow={}",
    "vertex.tuner={num_workers: 3}",
    "vertex.trainers.full={machine_type: ct5lp-hightpu-4t, tpu_topology: 2x2}",
    "vertex.trainers.hashing={accelerator_type: NVIDIA_TESLA_T4, accelerator_count: 1}",
    "vertex.trainers.quotient_remainder={num_workers: 4}",
    "variants.quotient_remainder.device=multi_worker",
    "vertex.endpoint={name: ctr}",
    "preflight.chips=[v5e]",
)
# Name -> preset, assignments, target. Every preset is among them; a test sees to that.
CASES = {
    "demo": ("demo", (), "vertex"),
    "tiny": ("tiny", (), "vertex"),
    "tune": ("tune", (), "vertex"),
    "tiny_everything": ("tiny", EVERYTHING, "vertex"),
    "tiny_kfp": (
        "tiny",
        (
            "vertex.trainers.full={accelerator_type: NVIDIA_L4, "
            "accelerator_count: 1, machine_type: g2-standard-8}",
        ),
        "kfp",
    ),
}


def compiled(preset, assignments=(), target="vertex"):
    """The PipelineJob of a preset."""
    from pipeline.load_config import load_config
    from pipeline.vertex.graph.compile import compile_pipeline
    from pipeline.vertex.site import Site

    images = {"tpu_image": "tpu-image:1", "gpu_image": "gpu-image:1"}
    site = Site("p1", "us-central1", "gs://b/runs", "image:1", **images)
    config = load_config(preset, assignments=assignments)
    return compile_pipeline(config, site, "gs://b/logs/day_*.tsv", target)


def shape(job):
    """A block of lines for each task, in the order in which they may run."""
    spec = job["pipelineSpec"]
    lines = [f"schema {spec['schemaVersion']}, root {job['runtimeConfig']['gcsOutputDirectory']}"]
    tasks = spec["root"]["dag"]["tasks"]
    done = set()
    while len(done) < len(tasks):
        ready = sorted(
            name
            for name, task in tasks.items()
            if name not in done and set(task.get("dependentTasks", ())) <= done
        )
        for name in ready:
            component = spec["components"][tasks[name]["componentRef"]["name"]]
            executors = spec["deploymentSpec"]["executors"]
            container = executors[component["executorLabel"]]["container"]
            lines += ["", name, *_task_lines(tasks[name], component, container)]
        done |= set(ready)
    return "\n".join(lines) + "\n"


def _task_lines(task, component, container):
    cached = "cached" if task.get("cachingOptions", {}).get("enableCache") else "never cached"
    args = container["args"]
    lines = [
        f"  after     {', '.join(task.get('dependentTasks', ())) or 'nothing'}; {cached}",
        f"  command   {' '.join(container['command'])}",
        f"  executor  {args[args.index('--executor_class_path') + 1]}",
        f"  image     {container['image']}",
        f"  resources {json.dumps(container['resources'], sort_keys=True)}",
    ]
    driver = container.get("lifecycle", {}).get("preCacheCheck", {}).get("command")
    if driver:
        lines.append(f"  driver    {' '.join(driver)}")
    lines += [f"  beam      {arg}" for arg in args if arg.startswith("--") and "=" in arg]
    given = task.get("inputs", {})
    for key, value in sorted(given.get("artifacts", {}).items()):
        source = value["taskOutputArtifact"]
        title = _title(component["inputDefinitions"]["artifacts"][key])
        lines.append(
            f"  in        {key} ({title}) from {source['producerTask']}."
            f"{source['outputArtifactKey']}"
        )
    for key, value in sorted(component.get("outputDefinitions", {}).get("artifacts", {}).items()):
        lines.append(f"  out       {key} ({_title(value)})")
    lines.append(f"  given     {', '.join(sorted(given.get('parameters', {})))}")
    return lines + _job_lines(given.get("parameters", {}))


def _title(artifact):
    return yaml.safe_load(artifact["artifactType"]["instanceSchema"])["title"]


def _job_lines(parameters):
    """The custom job that a task starts."""
    value = parameters.get("custom_config", {}).get("runtimeValue", {})
    text = value.get("constantValue", {}).get("stringValue") or value.get("constant") or "{}"
    job = (json.loads(text) or {}).get("vertex_job")
    if job is None:
        return []
    lines = [f"  job       {job['executor_class_path']}"]
    for pool in job["job"]["jobSpec"]["workerPoolSpecs"]:
        machine = json.dumps(pool["machineSpec"], sort_keys=True)
        image = pool["containerSpec"]["imageUri"]
        lines.append(f"  pool      {pool['replicaCount']} x {machine} in {image}")
    return lines


def main():
    """Writes all shapes anew."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    FOLDER.mkdir(exist_ok=True)
    for name, case in CASES.items():
        (FOLDER / f"{name}.txt").write_text(shape(compiled(*case)))
        print(FOLDER / f"{name}.txt")


if __name__ == "__main__":
    sys.exit(main())

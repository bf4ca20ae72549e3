"""A whole run of the compiled pipeline on this machine."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.code_version import code_version
from components.evaluator.comparison import COMPARISON_FILE, MARKDOWN_FILE, REPORT_FILE, Comparison
from pipeline.config import PipelineConfig
from pipeline.console import Console
from pipeline.local_run import RunResult
from pipeline.paths import RunPaths
from pipeline.vertex.graph.compile import compile_pipeline, write_spec
from pipeline.vertex.local.board import Board
from pipeline.vertex.local.container import SUBSTITUTIONS, container_environment
from pipeline.vertex.local.custom_jobs import CustomJobs
from pipeline.vertex.local.finished import Finished, pushed_model
from pipeline.vertex.local.guards import interrupted_by_sigterm, only_run_in
from pipeline.vertex.local.job_server import JobServer
from pipeline.vertex.local.processes import Processes
from pipeline.vertex.local.run_task import Place, run_task
from pipeline.vertex.local.side_by_side import default_num_threads, run_side_by_side
from pipeline.vertex.local.tasks import Task, read_tasks
from pipeline.vertex.site import Site

SPEC_FILE = "pipeline.json"
# Vertex AI puts the outputs of a task under ROOT/PROJECT/PIPELINE JOB/TASK.
_PROJECT = "local"
_RUN = "run"
# What the commands run besides the code that the parameters of the steps have the version of.
_CODE = ("pipeline/vertex/**/*.py",)


def run_locally(
    config: PipelineConfig, data: str, root: Path, console: Console, num_tasks: int | None = None
) -> RunResult:
    """Compiles the pipeline for Vertex AI and executes its tasks here.

    Each task is a process: the command that its container would run, with the `ExecutorInput` that
    Vertex AI would put in. `container.SUBSTITUTIONS` is all that differs. A task that an earlier
    run under the same root has done from the same command, inputs and code is not done again.

    Args:
      config: of all steps.
      data: pattern of the raw click logs.
      root: folder of this and earlier runs.
      console: shows the progress.
      num_tasks: at most so many run side by side; None: as many as cores and memory allow.

    Returns:
      the comparison and where the report and the pushed model lie.

    Raises:
      TaskError: if a task fails; the others are ended.
      InputError: if pattern, machines and configuration do not suit each other, or another run is
        at work under the root.
      KeyboardInterrupt: if it is interrupted, by SIGINT or SIGTERM; all tasks are ended.
    """
    paths = RunPaths(root.resolve())
    paths.root.mkdir(parents=True, exist_ok=True)
    with only_run_in(paths.root) as lock, interrupted_by_sigterm():
        processes = Processes(container_environment(), [lock])
        jobs = CustomJobs(processes, _logs(paths), lambda job: console.say(_job_line(job)))
        try:
            with JobServer(jobs) as server:
                console.start_step("  compiling")
                tasks = _compile(config, data, paths, server.endpoint)
                console.end_step(f"{len(tasks)} tasks; what differs from the cloud:")
                console.say("\n".join(f"    {text}" for text in SUBSTITUTIONS))
                place = Place(
                    processes=processes,
                    tasks=paths.pipeline_root / _PROJECT / _RUN,
                    logs=_logs(paths),
                    code_version=code_version(_CODE),
                    endpoint=server.endpoint,
                )
                finished = _run_tasks(tasks, place, console, num_tasks or default_num_threads())
        finally:
            processes.stop()
    return _publish(finished, paths)


def _compile(config: PipelineConfig, data: str, paths: RunPaths, endpoint: str) -> list[Task]:
    vertex = config.vertex.model_copy(update={"endpoint": None})
    site = Site(
        project=_PROJECT,
        region="us-central1",
        pipeline_root=str(paths.pipeline_root),
        image="local",
        endpoint=endpoint,
    )
    data = data if "://" in data else str(Path(data).absolute())
    job = compile_pipeline(config.model_copy(update={"vertex": vertex}), site, data)
    write_spec(job, paths.root / SPEC_FILE)
    return read_tasks(job)


def _run_tasks(
    tasks: list[Task], place: Place, console: Console, num_tasks: int
) -> dict[str, Finished]:
    by_name = {task.name: task for task in tasks}
    dependencies = {task.name: task.dependencies for task in tasks}
    with Board(console, list(by_name), place.logs) as board:

        def work(name: str, before: Mapping[str, Finished]) -> Finished:
            board.start(name)
            finished, is_cached = run_task(by_name[name], before, place)
            board.end(name, is_cached)
            return finished

        return run_side_by_side(dependencies, work, num_tasks, place.processes.stop)


def _publish(finished: Mapping[str, Finished], paths: RunPaths) -> RunResult:
    """Puts the run's report where people look for it."""
    comparison = Path(finished["Evaluator"].artifacts["comparison"]["uri"])
    paths.report_dir.mkdir(parents=True, exist_ok=True)
    for name in (COMPARISON_FILE, REPORT_FILE, MARKDOWN_FILE):
        shutil.copyfile(comparison / name, paths.report_dir / name)
    return RunResult(
        comparison=Comparison.from_json((paths.report_dir / COMPARISON_FILE).read_text()),
        report=paths.report_dir / REPORT_FILE,
        pushed_model=pushed_model(finished["Pusher"].artifacts["pushed_model"]),
    )


def _job_line(job: Mapping[str, Any]) -> str:
    machines = " + ".join(
        f"{pool.get('replicaCount', 1)} x {_machine(pool['machineSpec'])}"
        for pool in job["jobSpec"]["workerPoolSpecs"]
    )
    return f"    custom job {job['displayName']}: {machines} in the spec; here a process each"


def _machine(spec: Mapping[str, Any]) -> str:
    accelerators = ""
    if "acceleratorType" in spec:
        accelerators = f" with {spec.get('acceleratorCount', 1)} {spec['acceleratorType']}"
    return f"{spec['machineType']}{accelerators}"


def _logs(paths: RunPaths) -> Path:
    return paths.root / "logs"

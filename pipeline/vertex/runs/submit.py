"""Submits the compiled pipeline, and waits for it if that is wanted."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from google.cloud.aiplatform_v1.types import CreatePipelineJobRequest

from components.errors import InputError
from components.evaluator.comparison import COMPARISON_FILE, REPORT_FILE, Comparison
from components.evaluator.report.table import render_table
from components.files import write_text
from pipeline.config import PipelineConfig
from pipeline.console import Console
from pipeline.vertex.api.storage import Storage
from pipeline.vertex.runs.dry_run import pushed_to, render_plan
from pipeline.vertex.runs.kfp_server import KfpRuns
from pipeline.vertex.runs.run_state import SUCCEEDED
from pipeline.vertex.runs.submission import new_job_id, pipeline_request, schedule_request
from pipeline.vertex.runs.vertex_runs import SCHEDULES, VertexRuns
from pipeline.vertex.runs.watch import watch
from pipeline.vertex.site import Site

REQUEST_FILE = "request.json"


@dataclass(frozen=True)
class Options:
    """How to submit.

    Attributes:
      root: folder of this machine for the request of a dry run.
      dry_run: whether to tell what would be done and send nothing.
      wait: whether to stay until the run has ended.
      cron: when a schedule starts runs; None is one run, now.
      max_usd: refuse what is estimated to cost more; None refuses nothing.
      rows: of the raw log; None estimates them from its bytes.
      where: the flags that `status` and `cancel` need to find the run.
    """

    root: Path
    dry_run: bool = False
    wait: bool = False
    cron: str | None = None
    max_usd: float | None = None
    rows: int | None = None
    where: str = ""


def submit_to_vertex(
    config: PipelineConfig, site: Site, data: str, options: Options, console: Console
) -> None:
    """Submits one run, or a schedule of runs, to Vertex AI.

    Raises:
      InputError: if something is wrong before anything is sent, or the run did not succeed.
      ServiceError: if Google's services refuse or do not answer.
    """
    storage = Storage(site.project)
    num_bytes = None
    if not options.dry_run:
        num_bytes = check_storage(storage, site, data, console)
    _check_cost(config, site.region, num_bytes, options, console)
    job = _compile(config, site, data, "vertex", console)
    job_id = new_job_id(job, datetime.datetime.now(datetime.timezone.utc))
    request = pipeline_request(job, config.vertex, site, job_id)
    if options.dry_run:
        _show_plan(request, job, config, site, options, console)
        return
    runs = VertexRuns(site.project, site.region, site.endpoint)
    console.start_step(f"  submitting {job_id}")
    try:
        if options.cron:
            run = runs.create_schedule(schedule_request(request, options.cron))
        else:
            run = runs.create(request)
    except KeyboardInterrupt:
        look = runs.link(SCHEDULES) if options.cron else f"run_vertex.py status {job_id}"
        raise KeyboardInterrupt(
            f"interrupted; whether {job_id} was created is not known; look: {look} {options.where}"
        ) from None
    console.end_step("scheduled" if options.cron else "submitted")
    console.say(f"{runs.link(run)}\ncancel it with: run_vertex.py cancel {run} {options.where}")
    if options.wait:
        _wait(runs, run, storage, pushed_to(config, site), None, options, console)


def submit_to_kfp(
    config: PipelineConfig,
    site: Site,
    data: str,
    runs: KfpRuns,
    experiment: str,
    options: Options,
    console: Console,
) -> None:
    """Submits one run to a Kubeflow Pipelines server.

    Raises:
      InputError: if something is wrong before anything is sent, or the run did not succeed.
      ServiceError: if the server refuses or does not answer.
    """
    job = _compile(config, site, data, "kfp", console)
    name = new_job_id(job, datetime.datetime.now(datetime.timezone.utc))
    if options.dry_run:
        console.say(f"would create  run {name} in the experiment {experiment}\nnothing was sent")
        return
    console.start_step(f"  submitting {name}")
    run = runs.create(job, name, experiment)
    console.end_step("submitted")
    console.say(f"{runs.link(run)}\ncancel it with: run_vertex.py cancel {run} {options.where}")
    if options.wait:
        storage = Storage(site.project or None)
        # The server does not tell where outputs lie, but a run's folder has its id.
        pattern = f"{site.pipeline_root}/**/{run}/**/{COMPARISON_FILE}"
        _wait(runs, run, storage, pushed_to(config, site), pattern, options, console)


def check_storage(storage: Storage, site: Site, data: str, console: Console) -> int:
    """Looks whether the run can start; returns the bytes of the log."""
    console.start_step("  checking Cloud Storage")
    storage.check_writable(site.pipeline_root)
    files = storage.files(data)
    console.end_step(f"{files.num_files:,} files, {files.num_bytes / 1e6:,.1f} MB")
    return files.num_bytes


def _check_cost(
    config: PipelineConfig,
    region: str,
    num_bytes: int | None,
    options: Options,
    console: Console,
) -> None:
    from pipeline.vertex.cost.cost import estimate

    if options.rows is None and num_bytes is None:
        if options.max_usd is not None:
            raise InputError("--max-cost with --dry-run needs --rows: the log is not looked at")
        console.say("  cost: not estimated without --rows, for a dry run asks Google nothing")
        return
    try:
        estimated = estimate(config, region, num_bytes, options.rows)
    except InputError as error:
        if options.max_usd is not None:
            raise
        console.say(f"  cost: not estimated: {error}")
        return
    console.say(
        f"  cost of a run: {estimated.usd.low:,.2f} to {estimated.usd.high:,.2f} US dollars, "
        "estimated (`cost` shows how)"
    )
    if options.max_usd is not None and estimated.total_usd > options.max_usd:
        raise InputError(
            f"--max-cost: expected at most {options.max_usd:,.2f} US dollars, the estimate goes to "
            f"{estimated.total_usd:,.2f}; nothing was submitted; take fewer variants, smaller "
            "machines or a higher limit"
        )


def _compile(
    config: PipelineConfig,
    site: Site,
    data: str,
    target: Literal["vertex", "kfp"],
    console: Console,
) -> dict[str, Any]:
    from pipeline.vertex.graph.compile import compile_pipeline

    console.start_step("  compiling")
    job = compile_pipeline(config, site, data, target)
    console.end_step(f"{len(job['pipelineSpec']['root']['dag']['tasks'])} tasks")
    return job


def _show_plan(
    request: CreatePipelineJobRequest,
    job: Mapping[str, Any],
    config: PipelineConfig,
    site: Site,
    options: Options,
    console: Console,
) -> None:
    path = options.root / REQUEST_FILE
    shown = schedule_request(request, options.cron) if options.cron else request
    write_text(str(path), type(shown).to_json(shown, use_integers_for_enums=False))
    plan = render_plan(job, config, site, request.pipeline_job_id, options.cron)
    console.say(f"\n{plan}\n\nthe whole request: {path}\nnothing was sent")


def _wait(
    runs: VertexRuns | KfpRuns,
    run: str,
    storage: Storage,
    pushed: str,
    pattern: str | None,
    options: Options,
    console: Console,
) -> None:
    """Waits for a run and shows what it brought."""
    try:
        ended = watch(lambda: runs.read(run), console)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"not waiting any more; the run goes on: look at it with `run_vertex.py status {run} "
            f"{options.where}`, end it with `run_vertex.py cancel {run} {options.where}`"
        ) from None
    if ended.state != SUCCEEDED:
        raise InputError(ended.failure())
    folder = ended.output_uri("Evaluator", "comparison")
    uri = f"{folder}/{COMPARISON_FILE}" if folder else None
    if uri is None and pattern is not None:
        uri = storage.newest(pattern)
    if uri is None:
        raise InputError(f"{run} succeeded, but names no comparison of its Evaluator: {ended.link}")
    comparison = Comparison.from_json(storage.read_text(uri))
    report = uri.removesuffix(COMPARISON_FILE) + REPORT_FILE
    console.say(
        f"\n{render_table(comparison)}\n\n"
        f"report        {report}\n"
        f"pushed model  "
        f"{pushed if comparison.chosen else 'none: no variant keeps all constraints'}"
    )

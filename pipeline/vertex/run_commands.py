"""The commands that need the whole configuration: compile, run-locally, submit, cost."""

import glob
import shlex
from argparse import Namespace
from pathlib import Path

from components.errors import InputError
from components.evaluator.report.table import render_table
from pipeline.config import PipelineConfig
from pipeline.console import Console
from pipeline.load_config import DEFAULT_SCHEMA, load_config
from pipeline.paths import RunPaths
from pipeline.vertex.api.storage import Storage
from pipeline.vertex.flags import (
    check_cron,
    check_data,
    check_given,
    check_max_cost,
    check_region,
    check_rows,
    make_site,
)
from pipeline.vertex.runs.submit import Options, submit_to_kfp, submit_to_vertex
from pipeline.vertex.servers import Command, kfp_runs


def prepare_compile(flags: Namespace) -> Command:
    """Checks the flags of `compile`; returns what writes the specification."""
    config, site, data = _config(flags), make_site(flags), _cloud_data(flags)
    if flags.target == "kfp" and config.vertex.dataflow is not None:
        check_given({"--project": flags.project, "--region": flags.region}, "Dataflow")
    path: Path = flags.output or flags.root / "pipeline.json"

    def run(console: Console) -> None:
        from pipeline.vertex.graph.compile import compile_pipeline, write_spec

        console.start_step("  compiling")
        job = compile_pipeline(config, site, data, flags.target)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_spec(job, path)
        console.end_step(f"{len(job['pipelineSpec']['root']['dag']['tasks'])} tasks")
        console.say(str(path))

    return run


def prepare_run_locally(flags: Namespace) -> Command:
    """Checks the flags of `run-locally`; returns what executes the compiled tasks here."""
    config = _config(flags)
    if flags.data is None and flags.schema != DEFAULT_SCHEMA:
        raise InputError(f"--schema {flags.schema} needs --data: generated logs are criteo's")
    if flags.data is not None and flags.data.startswith("gs://"):
        raise InputError(
            f"--data: expected files of this machine, received {flags.data}; copy some with "
            "`gcloud storage cp`"
        )
    if any(character in str(flags.root.absolute()) for character in "*?[]{}"):
        raise InputError(f"--root: {flags.root} has a character of file patterns: * ? [ ] {{ }}")
    if flags.jobs is not None and flags.jobs < 1:
        raise InputError(f"--jobs: expected at least 1, received {flags.jobs}")

    def run(console: Console) -> None:
        from pipeline.vertex.local.run import run_locally

        known, data = config, flags.data
        if data is None:
            from pipeline.local_run import with_synthetic_data

            known, data = with_synthetic_data(config, RunPaths(flags.root.resolve()), console)
        try:
            result = run_locally(known, data, flags.root, console, flags.jobs)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                "interrupted; finished tasks are kept, the next run goes on from there"
            ) from None
        console.say(
            f"\n{render_table(result.comparison)}\n\n"
            f"report        {result.report}\n"
            f"pushed model  {result.pushed_model or 'none: no variant keeps all constraints'}"
        )

    return run


def prepare_submit(flags: Namespace) -> Command:
    """Checks the flags of `submit`; returns what starts the run."""
    config, site, data = _config(flags), make_site(flags), _cloud_data(flags)
    if flags.no_cache:
        vertex = config.vertex.model_copy(update={"enable_caching": False})
        config = config.model_copy(update={"vertex": vertex})
    if flags.cron and flags.wait:
        raise InputError("--wait: a schedule has no end; expected --cron or --wait, received both")
    options = Options(
        root=flags.root,
        dry_run=flags.dry_run,
        wait=flags.wait,
        cron=check_cron(flags.cron) if flags.cron else None,
        max_usd=check_max_cost(flags.max_cost),
        rows=check_rows(flags.rows),
        where=_where(flags),
    )
    if flags.target == "vertex":
        return lambda console: submit_to_vertex(config, site, data, options, console)
    for flag, value in (("--cron", flags.cron), ("--max-cost", flags.max_cost)):
        if value is not None:
            raise InputError(
                f"{flag} is for Vertex AI: of a server's own machines nothing is known"
                if flag == "--max-cost"
                else f"{flag} is for Vertex AI; the server's page makes recurring runs of a run"
            )
    runs = kfp_runs(flags)
    return lambda console: submit_to_kfp(
        config, site, data, runs, flags.experiment, options, console
    )


def prepare_cost(flags: Namespace) -> Command:
    """Checks the flags of `cost`; returns what estimates a run."""
    check_given({"--region": flags.region}, "cost")
    config, region, rows = _config(flags), check_region(flags.region), check_rows(flags.rows)
    hours = dict(_hours(text) for text in flags.hours)

    def run(console: Console) -> None:
        from pipeline.vertex.cost.cost import estimate, render

        num_bytes = None if rows is not None else _data_bytes(flags.data)
        console.say(render(estimate(config, region, num_bytes, rows, hours)))

    return run


def _config(flags: Namespace) -> PipelineConfig:
    return load_config(flags.preset, flags.variants, flags.set, flags.schema)


def _cloud_data(flags: Namespace) -> str:
    check_given({"--data": flags.data}, flags.command)
    return check_data(flags.data)


def _hours(text: str) -> tuple[str, float]:
    step, separator, hours = text.partition("=")
    try:
        if separator and step:
            return step, float(hours)
    except ValueError:
        pass
    raise InputError(f"--hours: expected STEP=HOURS, received {text!r}")


def _data_bytes(data: str | None) -> int | None:
    """Returns the bytes of a log, on Cloud Storage or here; None without one."""
    if data is None:
        return None
    if data.startswith("gs://"):
        return Storage(None).files(check_data(data)).num_bytes
    files = [Path(name) for name in glob.glob(data)]  # noqa: PTH207
    if not files:
        raise InputError(f"--data: expected files, but {data} matches none")
    return sum(file.stat().st_size for file in files)


def _where(flags: Namespace) -> str:
    """Returns the flags that lead to the same server again."""
    if flags.target == "kfp":
        given = {"--target": "kfp", "--host": flags.host, "--namespace": flags.namespace}
    else:
        given = {
            "--project": flags.project,
            "--region": flags.region,
            "--endpoint": flags.endpoint,
        }
    return " ".join(f"{flag} {shlex.quote(value)}" for flag, value in given.items() if value)

"""A whole run on this machine: data, steps, and what is left for people to look at."""

import logging
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import tensorflow as tf
from tfx.orchestration import metadata
from tfx.orchestration.pipeline import Pipeline

from components.errors import InputError
from components.evaluator.comparison import COMPARISON_FILE, MARKDOWN_FILE, REPORT_FILE, Comparison
from components.evaluator.report.markdown import render_markdown
from components.evaluator.report.page import render_page
from components.files import write_text
from components.synthetic.click_log import Summary, write_click_log
from pipeline.config import PipelineConfig
from pipeline.console import Console
from pipeline.lineage.origin import record_origin
from pipeline.lineage.records import Artifact, Origin, Snapshot
from pipeline.lineage.store import read_snapshot
from pipeline.local_beam import use_all_cores
from pipeline.paths import RunPaths
from pipeline.pipeline import create_pipeline
from pipeline.stepwise_runner import StepwiseRunner


@dataclass(frozen=True)
class RunResult:
    """What a run brought.

    Attributes:
      comparison: the compared variants.
      report: the page about them.
      pushed_model: the folder of the chosen SavedModel; None if no variant qualified.
    """

    comparison: Comparison
    report: Path
    pushed_model: Path | None


def run(
    config: PipelineConfig,
    root: Path,
    data: str | None,
    console: Console,
    beam_pipeline_args: Sequence[str] = (),
    pipeline_root: str | None = None,
    origin: Origin | None = None,
) -> RunResult:
    """Runs the pipeline under `root`.

    Args:
      config: of all steps.
      root: folder of this and earlier runs; their cache answers what has not changed.
      data: pattern of raw click logs; None generates the configured synthetic one.
      console: shows the progress.
      beam_pipeline_args: where and how Beam runs the steps that use it; none means all cores of
        this machine.
      pipeline_root: folder of the artifacts, on any file system that TensorFlow's gfile reaches;
        None is one under `root`.
      origin: the command line and the commit; kept with the run in ML Metadata and shown in the
        report. None if they are not known.

    Returns:
      the comparison and where the report and the pushed model lie.

    Raises:
      StepError: if a step fails; nothing is pushed then.
      InputError: if the synthetic data cannot be written.
    """
    paths = RunPaths(root.resolve())
    if data is None:
        config, data = with_synthetic_data(config, paths, console)
    else:
        data = absolute(data)
    pipeline = local_pipeline(
        config, data, paths, str(paths.serving_model_dir), beam_pipeline_args, pipeline_root
    )
    width = max(len(step.id) for step in pipeline.components)

    def end_step(cached: bool) -> None:
        keep_origin(origin, paths, runner.run_id)  # now: a later step may kill the process
        console.end_step("cached" if cached else "")

    runner = StepwiseRunner(
        on_start=lambda number, count, step: console.start_step(
            f"{number:>3}/{count} {step:<{width}}"
        ),
        on_end=end_step,
        must_execute=lambda step, run_id: _push_is_due(paths, step, run_id),
    )
    try:
        runner.run(pipeline)
    finally:
        keep_origin(origin, paths, runner.run_id)  # the first step may have failed
    return _publish(read_snapshot(paths.root), runner.run_id, paths)


def local_pipeline(
    config: PipelineConfig,
    data: str,
    paths: RunPaths,
    serving_model_dir: str | None,
    beam_pipeline_args: Sequence[str] = (),
    pipeline_root: str | None = None,
) -> Pipeline:
    """Returns the pipeline with its artifacts and metadata under a root folder; see `run`."""
    pipeline = create_pipeline(
        config,
        data,
        pipeline_root=absolute(pipeline_root) if pipeline_root else str(paths.pipeline_root),
        serving_model_dir=serving_model_dir,
        metadata_connection_config=metadata.sqlite_metadata_connection_config(
            str(paths.metadata_path)
        ),
        beam_pipeline_args=list(beam_pipeline_args),
    )
    if not beam_pipeline_args:
        use_all_cores(pipeline)
    return pipeline


def keep_origin(origin: Origin | None, paths: RunPaths, run_id: str) -> None:
    """Records how a run was started; no run fails for the want of it."""
    if origin is None:
        return
    try:
        record_origin(paths.metadata_path, run_id, origin)
    except Exception:
        logging.exception("how the run was started could not be recorded")


def absolute(path: str) -> str:
    """Returns a path that is true in any working directory: metadata outlives this one."""
    return path if "://" in path else str(Path(path).absolute())


def with_synthetic_data(
    config: PipelineConfig, paths: RunPaths, console: Console
) -> tuple[PipelineConfig, str]:
    """Writes the click log if it is not there; the evaluator learns what is achievable on it."""
    path = paths.data_dir / "click_log.tsv"
    console.start_step(f"  generating {path.name}")
    summary: Summary = write_click_log(config.synthetic, path)
    console.end_step(
        f"{summary.rows:,} rows, {summary.bytes / 1e6:,.1f} MB, "
        f"best achievable auc_roc {summary.best_auc_roc:.4f}"
    )
    best = {"best_auc_roc": summary.best_auc_roc, "best_logloss": summary.best_logloss}
    evaluator = config.evaluator.model_copy(update=best)
    return config.model_copy(update={"evaluator": evaluator}), str(path)


def _publish(snapshot: Snapshot, run_id: str, paths: RunPaths) -> RunResult:
    """Puts the run's report where people look for it.

    The Evaluator does not know the command line, so that it is in no cache key. It is added here,
    and it is that of the run that made the comparison: this one may have found it in the cache.
    """
    comparison_uri = _output(snapshot, run_id, "Evaluator", "comparison").uri
    with tf.io.gfile.GFile(os.path.join(comparison_uri, COMPARISON_FILE)) as file:
        comparison = Comparison.from_json(file.read())
    comparison = write_report(comparison, snapshot, paths.report_dir)
    pushed = _output(snapshot, run_id, "Pusher", "pushed_model")
    destination = pushed.properties.get("pushed_destination")
    return RunResult(
        comparison=comparison,
        report=paths.report_dir / REPORT_FILE,
        pushed_model=Path(destination) if destination else None,
    )


def write_report(comparison: Comparison, snapshot: Snapshot, folder: Path) -> Comparison:
    """Writes page, Markdown and JSON; returns the comparison with the command line of its run."""
    origin = snapshot.origin(comparison.lineage.run_id)
    if origin is not None:
        lineage = comparison.lineage.model_copy(update=asdict(origin))
        comparison = comparison.model_copy(update={"lineage": lineage})
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (
        (REPORT_FILE, render_page(comparison)),
        (MARKDOWN_FILE, render_markdown(comparison)),
        (COMPARISON_FILE, comparison.to_json()),
    ):
        write_text(str(folder / name), text)
    return comparison


def _push_is_due(paths: RunPaths, step: str, run_id: str) -> bool:
    """Whether the newest pushed version is not the model that this run's Evaluator chose.

    A server takes the newest version. Pusher's cache knows what was pushed before, not what was
    pushed since or removed.
    """
    if step != "Pusher":
        return False
    while (paths.serving_model_dir / str(int(time.time()))).exists():
        time.sleep(0.05)  # Pusher names versions by the second and skips one that exists
    snapshot = read_snapshot(paths.root)
    model = _output(snapshot, run_id, "Evaluator", "model")
    versions = [int(p.name) for p in paths.serving_model_dir.glob("*") if p.name.isdigit()]
    newest = str(paths.serving_model_dir / str(max(versions, default=0)))
    for artifact in snapshot.artifacts.values():
        if artifact.properties.get("pushed_destination") == newest:
            producer = snapshot.producer(artifact.id)
            inputs = producer.inputs if producer else ()
            return all(link.artifact_id != model.id for link in inputs)
    return True


def _output(snapshot: Snapshot, run_id: str, step: str, key: str) -> Artifact:
    """Returns the artifact that a step of this run has under an output key, cached or not."""
    for execution in snapshot.run_executions(run_id):
        for link in execution.outputs:
            if execution.node == step and link.key == key:
                return snapshot.artifacts[link.artifact_id]
    raise InputError(f"ML Metadata has no output {key!r} of step {step} in run {run_id}")

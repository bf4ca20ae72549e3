"""A study for TensorBoard's HParams plugin: `tensorboard --logdir DIR/study/hparams`."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams.summary import session_end_pb
from tensorboard.plugins.hparams.summary_v2 import (
    Discrete,
    HParam,
    Metric,
    hparams_config_pb,
    hparams_pb,
)
from tensorboard.plugins.scalar.summary_v2 import scalar_pb

from pipeline.study.outcome.study import Run, Study
from pipeline.study.tracking.facts import costs, hyperparameters

_METRICS = ("eval_auc_roc", "eval_logloss", "train_seconds", "embedding_bytes")


def write_hparams(folder: Path, study: Study) -> None:
    """Writes a session for each training that was done or failed; older logs are replaced.

    A session has the training's hyperparameters, its curves by step, its costs at the last step
    and whether it succeeded. Skipped trainings have none.

    Args:
      folder: of the logs; whole or not changed.
      study: what the tables hold.
    """
    runs = [run for run in study.runs if run.status != "skipped"]
    new = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    _write(new, [(0, _experiment(runs))])
    for run in runs:
        _write_session(new / run.cell / f"seed_{run.seed}", run)
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)


def _experiment(runs: Iterable[Run]) -> Any:
    """Returns the summary that tells the plugin the hyperparameters and the metrics."""
    values: dict[str, set[Any]] = {"seed": set()}
    for run in runs:
        values["seed"].add(run.seed)
        for name, value in hyperparameters(run).items():
            values.setdefault(name, set()).add(value)
    hparams = [HParam(name, Discrete(sorted(found))) for name, found in values.items() if found]
    return hparams_config_pb(hparams, [Metric(name) for name in _METRICS])


def _write_session(folder: Path, run: Run) -> None:
    """Writes one training; a folder is a session to the plugin."""
    chosen = {**hyperparameters(run), "seed": run.seed}
    summaries = [(0, hparams_pb(chosen, trial_id=f"{run.cell} seed {run.seed}"))]
    last = int(run.step[-1]) if len(run.step) else 0
    for tag, curve in run.curves.items():
        known = np.isfinite(curve)
        points = zip(run.step[known], curve[known], strict=True)
        summaries += [(int(step), scalar_pb(tag, value)) for step, value in points]
    summaries += [(last, scalar_pb(tag, value)) for tag, value in costs(run).items()]
    status = api_pb2.STATUS_SUCCESS if run.is_done else api_pb2.STATUS_FAILURE
    _write(folder, [*summaries, (last, session_end_pb(status))])


def _write(folder: Path, summaries: Iterable[tuple[int, Any]]) -> None:
    """Writes summaries, each with its step, into one event file."""
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default():
        for step, summary in summaries:
            tf.summary.experimental.write_raw_pb(summary.SerializeToString(), step)
    writer.close()

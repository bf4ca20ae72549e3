"""How long a training takes to a quality that others reach as well."""

import statistics
from typing import NamedTuple

import numpy as np

from pipeline.study.outcome.study import Cell, Run, Study

TOLERANCE = 0.001  # nats


class TimeToTarget(NamedTuple):
    """How long the trainings of a cell took to the target.

    Attributes:
      seconds: training time, the median over the seeds; None if a seed did not reach it.
      epochs: passes over the train rows, likewise.
      num_reached: seeds that reached it.
      num_seeds: seeds with evaluations.
    """

    seconds: float | None
    epochs: float | None
    num_reached: int
    num_seeds: int


def target_logloss(study: Study, cell: Cell, tolerance: float = TOLERANCE) -> float | None:
    """Returns the target of a cell's dataset, architecture and device, nats.

    It is the last eval logloss of the baseline there, the highest of its seeds, plus `tolerance`:
    each seed of the baseline reaches it.

    Returns:
      the target; None if the baseline was never evaluated.
    """
    lasts = []
    for run in study.runs_of(study.root_of(cell).cell):
        losses = run.curves.get("eval_logloss", np.array([]))
        lasts += losses[np.isfinite(losses)][-1:].tolist()
    return max(lasts) + tolerance if lasts else None


def time_to_target(study: Study, cell: Cell, target: float) -> TimeToTarget:
    """Returns when the eval logloss of a cell's trainings was first at or below the target."""
    evaluated = [run for run in study.runs_of(cell.cell) if "eval_logloss" in run.curves]
    reached = [found for run in evaluated if (found := _first(run, target)) is not None]
    if not reached or len(reached) < len(evaluated):
        return TimeToTarget(None, None, len(reached), len(evaluated))
    seconds, epochs = (statistics.median(values) for values in zip(*reached, strict=True))
    return TimeToTarget(seconds, epochs, len(reached), len(evaluated))


def _first(run: Run, target: float) -> tuple[float, float] | None:
    at = np.flatnonzero(run.curves["eval_logloss"] <= target)
    return (float(run.seconds[at[0]]), float(run.epoch[at[0]])) if len(at) else None

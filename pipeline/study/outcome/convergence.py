"""When a training has converged, and whether it was too short or too long."""

from typing import Literal, NamedTuple

import numpy as np

from pipeline.study.outcome.study import Run

TOLERANCE = 0.001  # nats

Verdict = Literal["converged", "underfitted", "overfitted", "unknown"]


class Convergence(NamedTuple):
    """What the eval logloss of one training says.

    Attributes:
      epochs: passes over the train rows until it had converged; None where `verdict` is
        `"unknown"`.
      seconds: training time until then.
      best: the lowest eval logloss of all evaluations, nats.
      last: the eval logloss of the last evaluation, nats.
      gap: eval minus train logloss at the last evaluation, nats; None where the latter is unknown.
      verdict: `"underfitted"` if only the last evaluation is near the best: it was still falling;
        `"overfitted"` if the last is above the best by more than the tolerance; `"converged"` if
        neither; `"unknown"` with fewer than two evaluations.
    """

    epochs: float | None
    seconds: float | None
    best: float | None
    last: float | None
    gap: float | None
    verdict: Verdict


def convergence(run: Run, tolerance: float = TOLERANCE) -> Convergence:
    """Returns when a training had converged.

    That is its first evaluation whose eval logloss is at most `tolerance` above the lowest of the
    training.

    Args:
      run: a training that was done.
      tolerance: nats.
    """
    losses = run.curves.get("eval_logloss", np.array([]))
    known = np.flatnonzero(np.isfinite(losses))
    if len(known) < 2:
        return Convergence(None, None, None, None, None, "unknown")
    best, last = float(losses[known].min()), float(losses[known[-1]])
    near = known[losses[known] <= best + tolerance]
    first = near[0]
    verdict: Verdict = "converged"
    if last > best + tolerance:
        verdict = "overfitted"
    elif first == known[-1]:
        verdict = "underfitted"
    train = run.curves.get("train_logloss")
    gap = None if train is None else _known(last - train[known[-1]])
    epochs, seconds = _known(run.epoch[first]), _known(run.seconds[first])
    return Convergence(epochs, seconds, best, last, gap, verdict)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None

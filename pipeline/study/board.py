"""What a person sees of the trainings of a study while they run."""

import time
from collections.abc import Mapping, Sequence

from components.trainer.loop.progress_line import format_seconds
from pipeline.console import Console
from pipeline.study.estimate import Estimator, total_seconds
from pipeline.study.journal import Timing
from pipeline.study.plan import Plan, TrainingKey
from pipeline.study.result import Training
from pipeline.study.worker import Ended


class Board:
    """Counts trainings, prints a line for each that ends, and says what is left."""

    def __init__(self, plan: Plan, keys: Sequence[TrainingKey], console: Console) -> None:
        """Takes the trainings that are to be run, all of them waiting."""
        self._plan = plan
        self._console = console
        self._left = list(keys)
        self._num_keys = len(keys)
        self._num_failed = 0
        self._timings = list(plan.timings)
        self._started: dict[TrainingKey, float] = {}
        self._estimates = self._estimate()

    def longest_first(self) -> list[TrainingKey]:
        """Returns the trainings by falling time, so that the end is not one of them alone."""
        return sorted(self._left, key=lambda key: -self._estimates[key])

    def add_timing(self, timing: Timing) -> None:
        """Takes how long a training took."""
        self._timings.append(timing)

    def end(self, key: TrainingKey, training: Training, ended: Ended) -> None:
        """Prints how a training ended."""
        self._left.remove(key)
        self._started.pop(key, None)
        self._num_failed += training.status == "failed"
        self._estimates = self._estimate()
        number = self._num_keys - len(self._left)
        outcome = "cached" if ended.is_cached else training.error or _scores(training)
        width = len(str(self._num_keys))
        self._console.say(
            f"  {number:>{width}}/{self._num_keys} {_title(key)} {ended.seconds:7.1f} s  "
            f"{'failed: ' if training.error else ''}{outcome}"
        )

    def line(self, running: Mapping[TrainingKey, str]) -> str:
        """Returns one line about what is running and what is left.

        Args:
          running: training -> what it says of itself.
        """
        now = time.monotonic()
        for key in running:
            self._started.setdefault(key, now)
        seconds = [
            max(1.0, self._estimates[key] - (now - self._started.get(key, now)))
            for key in self._left
        ]
        left = format_seconds(total_seconds(seconds, self._plan.parallel)) if seconds else "0 s"
        shown = "; ".join(f"{_title(key)} {said}".rstrip() for key, said in running.items())
        return f"{self._counts()}, about {left} left; {shown or 'starting processes'}"

    def outcome(self) -> str:
        """Returns the counts, for the end."""
        return self._counts()

    def _counts(self) -> str:
        num_ended = self._num_keys - len(self._left)
        failed = f", {self._num_failed} failed" if self._num_failed else ""
        return f"{num_ended - self._num_failed}/{self._num_keys} done{failed}"

    def _estimate(self) -> dict[TrainingKey, float]:
        plan = self._plan
        estimator = Estimator(self._timings, plan.num_cores, plan.log_rows)
        found: dict[tuple[str, str], float] = {}
        for key in self._left:
            where = (key.group, key.cell.name)
            if where not in found:
                found[where] = estimator.training(plan.group_of(key), key.cell).seconds
        return {key: found[key.group, key.cell.name] for key in self._left}


def _title(key: TrainingKey) -> str:
    return f"{key.group}/{key.cell.name} seed {key.seed_index}"


def _scores(training: Training) -> str:
    assert training.record is not None
    point = training.record.eval_curve[-1]
    auc_roc = point.metrics.get("auc_roc")
    scores = f"auc_roc {auc_roc:.4f}, " if auc_roc is not None else ""
    return f"{scores}logloss {point.logloss:.4f}"

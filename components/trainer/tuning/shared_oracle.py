"""One KerasTuner oracle for several workers, some of which may die."""

import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from components.trainer.hyperparameters import values_of

CHIEF = "chief"
LOST_SECONDS = 60.0
_MAX_RUNS = 2
_VALUES = "values"
_ENDED = (TrialStatus.COMPLETED, TrialStatus.FAILED)


def trial_values(trial: Trial) -> dict[str, Any]:
    """Returns dotted path -> value of a trial that `SharedOracle` has given out."""
    return dict(json.loads(trial.hyperparameters.get(_VALUES)))


class SharedOracle:
    """Gives every trial to one worker at a time, until each has ended.

    KerasTuner's oracle has the methods of its gRPC service, but a worker that dies would stop the
    search for good. Here a trial whose worker is not heard of goes to the next one that asks, twice
    at most. No worker is sent home while a trial may still come back.

    A trial goes to a worker with its values as one JSON text: those to try, and those that all
    trials start from. All methods may be called from any thread.
    """

    def __init__(self, oracle: keras_tuner.Oracle, lost_seconds: float = LOST_SECONDS) -> None:
        """Takes an oracle.

        Args:
          oracle: proposes values; nobody else may call it.
          lost_seconds: a worker that has not asked or called `get_trial` for so long is lost.
        """
        self._oracle = oracle
        self._lost_seconds = lost_seconds
        self._lock = threading.RLock()
        # Tells the trials from those of a chief before this one.
        self._run = uuid.uuid4().hex[:8]
        self._start: Mapping[str, Any] | None = None
        self._heard: dict[str, float] = {}
        self._waiting: list[Trial] = []
        self._num_runs: Counter[str] = Counter()
        self._errors: dict[str, str] = {}
        self._workers: set[str] = set()
        self._failure: Exception | None = None

    def begin(self, start: Mapping[str, Any]) -> None:
        """Starts the search; until then those who ask are told to wait.

        Args:
          start: dotted path -> value, of what is not as configured in all trainings; the values to
            try win over it.
        """
        with self._lock:
            self._start = dict(start)

    def get_space(self) -> keras_tuner.HyperParameters:
        """Returns what is searched."""
        with self._lock:
            return self._oracle.get_space()

    def create_trial(self, tuner_id: str) -> Trial:
        """Returns a trial to run, or one whose status is IDLE (ask again) or STOPPED (go home)."""
        with self._exclusively():
            self._workers.add(tuner_id)
            if self._start is None:
                return _no_trial(TrialStatus.IDLE)
            self._take_back_lost_trials()
            trial = self._next(tuner_id)
            if trial.status == TrialStatus.RUNNING:
                self._heard[trial.trial_id] = time.monotonic()
                return self._message(trial)
            if trial.status == TrialStatus.STOPPED and not self._oracle.ongoing_trials:
                self._workers.discard(tuner_id)
                return _no_trial(TrialStatus.STOPPED)
            return _no_trial(TrialStatus.IDLE)

    def _next(self, tuner_id: str) -> Trial:
        ongoing = self._oracle.ongoing_trials
        if tuner_id in ongoing:
            return ongoing[tuner_id]
        if self._waiting:
            trial = ongoing[tuner_id] = self._waiting.pop(0)
            trial.status = TrialStatus.RUNNING
        else:
            trial = self._oracle.create_trial(tuner_id)
        if trial.status == TrialStatus.RUNNING:
            self._num_runs[trial.trial_id] += 1
        return trial

    def get_trial(self, trial_id: str) -> Trial:
        """Returns a trial; whoever asks is heard of."""
        # Not under the lock: a Gaussian process may hold it for long.
        self._heard[trial_id.removesuffix(f"-{self._run}")] = time.monotonic()
        trial = self._own(trial_id)
        return self._message(trial) if trial else _no_trial(TrialStatus.INVALID)

    def update_trial(self, trial_id: str, metrics: Mapping[str, float], step: int = 0) -> Trial:
        """Takes the logloss of a trial."""
        with self._exclusively():
            trial = self._own(trial_id)
            if trial is None:
                return _no_trial(TrialStatus.INVALID)
            if trial.status not in _ENDED:
                self._oracle.update_trial(trial.trial_id, metrics, step=step)
            return self._message(trial)

    def end_trial(self, trial: Trial) -> None:
        """Ends a trial by its status; of one that two workers have run, the first end counts."""
        with self._exclusively():
            own = self._own(trial.trial_id)
            if own is None or own.status in _ENDED:
                return
            if own in self._waiting:
                self._waiting.remove(own)
            own.status = trial.status
            self._oracle.end_trial(own)

    def lose(self, tuner_id: str, why: str) -> bool:
        """Takes the trial of a worker that is gone; returns False if it had none."""
        with self._exclusively():
            self._workers.discard(tuner_id)
            trial = self._oracle.ongoing_trials.get(tuner_id)
            if trial is None:
                return False
            if self._num_runs[trial.trial_id] < _MAX_RUNS:
                del self._oracle.ongoing_trials[tuner_id]
                trial.status = TrialStatus.INVALID
                self._waiting.append(trial)
                return True
            self._errors[trial.trial_id] = f"given up after {_MAX_RUNS} workers: {why}"
            trial.status = TrialStatus.FAILED
            self._oracle.end_trial(trial)
            return True

    def all_know_the_end(self) -> bool:
        """Returns whether every worker that has ever asked has been told to go home, or is lost."""
        with self._lock:
            return not self._workers

    def outcomes(self) -> list[tuple[dict[str, Any], str]]:
        """Returns the values of each trial, in order, and why it was given up (empty: it was not).

        Values of fields that are not searched are left out.
        """
        with self._lock:
            return [
                (values_of(self._oracle.trials[id_].hyperparameters.get_config()), error)
                for id_ in self._oracle.start_order
                for error in [self._errors.get(id_, "")]
            ]

    def progress(self) -> str:
        """One line for the console."""
        with self._lock:
            trials = self._oracle.trials.values()
            if not trials:
                return "search: starting"
            known = [trial.score for trial in trials if trial.score is not None]
            num_ongoing = len(self._oracle.ongoing_trials)
            at_once = f", {num_ongoing} at once" if num_ongoing > 1 else ""
            best = f", best logloss {min(known):.4f}" if known else ""
            max_trials = self._oracle.max_trials
            return f"search: trial {len(trials)} of at most {max_trials}{at_once}{best}"

    @contextmanager
    def _exclusively(self) -> Iterator[None]:
        """Lets one thread at a time in, and none after an error.

        KerasTuner's oracle does not give its own lock back after one: the next call would hang.
        """
        with self._lock:
            if self._failure:
                raise RuntimeError(f"the search has failed: {self._failure}") from self._failure
            try:
                yield
            except Exception as error:
                self._failure = error
                raise

    def _take_back_lost_trials(self) -> None:
        now = time.monotonic()
        for tuner_id, trial in list(self._oracle.ongoing_trials.items()):
            silence = now - self._heard[trial.trial_id]
            if tuner_id != CHIEF and silence > self._lost_seconds:
                self.lose(tuner_id, f"{tuner_id} was not heard of for {silence:.0f} seconds")

    def _own(self, trial_id: str) -> Trial | None:
        """The oracle's trial of that name; None for a trial of another run."""
        name, _, run = trial_id.rpartition("-")
        return self._oracle.trials.get(name) if run == self._run else None

    def _message(self, trial: Trial) -> Trial:
        hyperparameters = keras_tuner.HyperParameters()
        values = {**(self._start or {}), **values_of(trial.hyperparameters.get_config())}
        hyperparameters.Fixed(_VALUES, json.dumps(values))
        return Trial(hyperparameters, f"{trial.trial_id}-{self._run}", trial.status)


def _no_trial(status: str) -> Trial:
    return Trial(keras_tuner.HyperParameters(), "", status)

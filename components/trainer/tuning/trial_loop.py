"""What every worker of a search does: ask for a trial, train, tell the logloss, ask again."""

import time
from collections.abc import Mapping
from typing import Any, Protocol

from keras_tuner.engine.trial import Trial, TrialStatus

from components.progress import report
from components.trainer.tuning.oracles import OBJECTIVE
from components.trainer.tuning.shared_oracle import trial_values
from components.trainer.tuning.trials import Trials

_IDLE_SECONDS = 0.2


class Oracle(Protocol):
    """A `SharedOracle` in this process, or a `RemoteOracle`."""

    def create_trial(self, tuner_id: str) -> Trial:
        """Returns a trial to run, or one whose status is IDLE or STOPPED."""

    def update_trial(self, trial_id: str, metrics: Mapping[str, float]) -> Any:
        """Takes the logloss of a trial."""

    def end_trial(self, trial: Trial) -> None:
        """Ends a trial by its status."""

    def progress(self) -> str:
        """One line for the console."""


def run_trials(oracle: Oracle, trials: Trials, tuner_id: str) -> None:
    """Runs trials until the oracle says that the search is over.

    A combination that cannot be trained is a failed trial.

    Args:
      oracle: says what to run.
      trials: trains, and keeps the results.
      tuner_id: of this process; no other one has it.

    Raises:
      RuntimeError: for an error that says nothing of the values.
    """
    while True:
        trial = oracle.create_trial(tuner_id)
        if trial.status == TrialStatus.STOPPED:
            return
        if trial.status == TrialStatus.IDLE:
            time.sleep(_IDLE_SECONDS)
            continue
        values = trial_values(trial)
        report(oracle.progress())
        try:
            result = trials.run(values)
        except Exception as error:
            raise RuntimeError(f"a trial with {values} failed: {error}") from error
        if result.logloss is None:
            trial.status = TrialStatus.FAILED
        else:
            oracle.update_trial(trial.trial_id, {OBJECTIVE: result.logloss})
            trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)

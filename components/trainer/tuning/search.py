"""A search over fields of a trainer's configuration, by KerasTuner."""

import json
import math
import tempfile
from collections.abc import Mapping
from typing import Any

import keras_tuner
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.engine.trial import Trial, TrialStatus
from keras_tuner.errors import FatalError

from components.errors import InputError
from components.progress import report
from components.trainer.hyperparameters import as_hyperparameter, values_of
from components.trainer.tuning.config import SearchConfig, SearchField
from components.trainer.tuning.results import Search, TrialResult
from components.trainer.tuning.trials import Trials

_OBJECTIVE = "logloss"


def search(options: SearchConfig, trials: Trials, start: Mapping[str, Any]) -> Search:
    """Trains with one combination of values after the other.

    A combination that cannot be trained is a failed trial; the search goes on. KerasTuner is asked
    anew in a search that is taken up again: with the same seed and results it proposes the same
    values, and `trials` knows their results. (Its own files do not hold all that it needs to go
    on.)

    Args:
      options: what to try.
      trials: trains.
      start: dotted path -> value, of what is not as configured in all trainings; the values to try
        win over it.

    Raises:
      InputError: if every trial failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        tuner = _Tuner(options, trials, start, folder)
        tuner.search()
    if all(result.logloss is None for result in tuner.results):
        last = tuner.results[-1].error
        raise InputError(f"tuner.search: every trial failed, the last one: {last}")
    return Search(algorithm=options.algorithm, trials=tuple(tuner.results))


def space(fields: Mapping[str, SearchField]) -> keras_tuner.HyperParameters:
    """Returns what KerasTuner draws from."""
    hyperparameters = keras_tuner.HyperParameters()
    for path, field in fields.items():
        if field.values is not None:
            hyperparameters.Choice(path, _choices(field.values))
        elif isinstance(field.min, int) and isinstance(field.max, int):
            hyperparameters.Int(path, field.min, field.max, sampling=field.sampling)
        else:
            hyperparameters.Float(path, field.min, field.max, sampling=field.sampling)
    return hyperparameters


def _choices(values: tuple[Any, ...]) -> list[Any]:
    """Values of one type, as KerasTuner wants them, and in order if they are numbers."""
    choices = [as_hyperparameter(value) for value in values]
    types = {type(choice) for choice in choices}
    if types == {int, float}:
        return [float(choice) for choice in choices]
    if len(types) > 1:
        return [json.dumps(value) for value in values]
    return choices


def _oracle(options: SearchConfig) -> keras_tuner.Oracle:
    arguments = {
        "objective": keras_tuner.Objective(_OBJECTIVE, "min"),
        "max_trials": options.max_trials,
        "hyperparameters": space(options.fields),
        "seed": options.seed + 1,  # 0 would be another seed each time
        "max_consecutive_failed_trials": options.max_trials + 1,
    }
    oracles = {
        "grid": keras_tuner.oracles.GridSearchOracle,
        "random": keras_tuner.oracles.RandomSearchOracle,
        "bayesian": keras_tuner.oracles.BayesianOptimizationOracle,
    }
    oracle = oracles[options.algorithm](**arguments)
    oracle.verbose = 0  # it would print
    return oracle


class _Tuner(BaseTuner):
    """Runs KerasTuner's trials by ours."""

    def __init__(
        self, options: SearchConfig, trials: Trials, start: Mapping[str, Any], folder: str
    ) -> None:
        super().__init__(_oracle(options), directory=folder, project_name=_OBJECTIVE)
        self._trials = trials
        self._start = start
        self._num_trials = options.max_trials
        self.results: list[TrialResult] = []

    def run_trial(self, trial: Trial) -> dict[str, float]:
        """Trains; an error that says nothing of the values ends the search."""
        values = values_of(trial.hyperparameters.get_config())
        known = [result.logloss for result in self.results if result.logloss is not None]
        best = f", best logloss {min(known):.4f}" if known else ""
        report(f"search: trial {len(self.results) + 1} of at most {self._num_trials}{best}")
        try:
            result = self._trials.run({**self._start, **values})
        except Exception as error:
            raise FatalError(f"a trial with {values} failed: {error}") from error
        self.results.append(result)
        return {_OBJECTIVE: math.inf if result.logloss is None else result.logloss}

    def on_trial_end(self, trial: Trial) -> None:
        """Ends the trial; one without a logloss has failed."""
        if self.results[-1].logloss is None:
            trial.status = TrialStatus.FAILED
        super().on_trial_end(trial)

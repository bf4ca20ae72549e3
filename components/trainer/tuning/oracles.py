"""What KerasTuner is told to search, and by which rule."""

import itertools
import json
from collections.abc import Mapping
from typing import Any

import keras_tuner
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.engine.trial import TrialStatus

from components.trainer.hyperparameters import as_hyperparameter
from components.trainer.tuning.config import SearchConfig, SearchField

OBJECTIVE = "logloss"


def make_oracle(options: SearchConfig, folder: str) -> keras_tuner.Oracle:
    """Returns what proposes values.

    Args:
      options: of the search.
      folder: on this machine, for files that nothing reads.
    """
    oracles = {
        "grid": _Grid,
        "random": keras_tuner.oracles.RandomSearchOracle,
        "bayesian": keras_tuner.oracles.BayesianOptimizationOracle,
    }
    oracle = oracles[options.algorithm](
        objective=keras_tuner.Objective(OBJECTIVE, "min"),
        max_trials=options.max_trials,
        hyperparameters=space(options.fields),
        seed=options.seed + 1,  # 0 would be another seed each time
        max_consecutive_failed_trials=options.max_trials + 1,
    )
    oracle.verbose = 0  # it would print
    BaseTuner(oracle, directory=folder, project_name=OBJECTIVE)  # is what tells it the folder
    return oracle


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


class _Grid(keras_tuner.Oracle):
    """Every combination of the listed values; those of the last field change fastest.

    KerasTuner's own oracle proposes one combination after a trial has ended, in case the trial
    brings new fields. Ours brings none, and several trials may run at once.
    """

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Returns the next combination as KerasTuner wants it."""
        fields = self.get_space().space
        combinations = itertools.product(*(field.values for field in fields))
        values = next(itertools.islice(combinations, len(self.trials), None), None)
        if values is None:
            return {"status": TrialStatus.STOPPED}
        names = [field.name for field in fields]
        return {"status": TrialStatus.RUNNING, "values": dict(zip(names, values, strict=True))}

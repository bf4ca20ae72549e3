"""A search over fields of a trainer's configuration, by KerasTuner."""

import tempfile
from collections.abc import Mapping
from typing import Any

from components.errors import InputError
from components.trainer.tuning.config import SearchConfig
from components.trainer.tuning.oracles import make_oracle
from components.trainer.tuning.results import Search, TrialResult
from components.trainer.tuning.shared_oracle import CHIEF, SharedOracle
from components.trainer.tuning.trial_loop import run_trials
from components.trainer.tuning.trial_processes import run_trials_in_processes
from components.trainer.tuning.trials import Trials


def search(
    options: SearchConfig,
    trials: Trials,
    start: Mapping[str, Any],
    served: SharedOracle | None = None,
) -> Search:
    """Trains with many combinations of values.

    A combination that cannot be trained is a failed trial; the search goes on. KerasTuner is asked
    anew in a search that is taken up again: with the same seed and results it proposes the same
    values, and `trials` knows their results. (Its own files do not hold all that it needs to go
    on.)

    Args:
      options: what to try.
      trials: trains.
      start: dotted path -> value, of what is not as configured in all trainings; the values to try
        win over it.
      served: what other machines ask for trials too, with the same `trials` and its journal; this
        process then runs one trial at a time. None: there are none, and
        `options.parallel_trials` run on this one.

    Raises:
      InputError: if every trial failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        oracle = served or SharedOracle(make_oracle(options, folder))
        oracle.begin(start)
        if served or options.parallel_trials == 1:
            run_trials(oracle, trials, CHIEF)
        else:
            num_processes = min(options.parallel_trials, options.max_trials)
            run_trials_in_processes(oracle, trials, num_processes)
        outcomes = oracle.outcomes()
    results = [_result({**start, **values}, error, trials) for values, error in outcomes]
    if all(result.logloss is None for result in results):
        raise InputError(f"tuner.search: every trial failed, the last one: {results[-1].error}")
    return Search(algorithm=options.algorithm, trials=tuple(results))


def _result(values: dict[str, Any], error: str, trials: Trials) -> TrialResult:
    """The result of a trial that has run, from the journal, wherever that was."""
    if error:
        return TrialResult(values=values, logloss=None, error=error)
    return trials.run(values)

"""The whole work of a tuner, without a word of TFX."""

import json
import os
import tempfile
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import tensorflow as tf

from components.files import write_bytes, write_text
from components.progress import report
from components.trainer.config import TrainerConfig
from components.trainer.data import find_files
from components.trainer.hyperparameters import as_hyperparameter, with_values
from components.trainer.strategies import best_device
from components.trainer.tuning.batch_size import compare_batch_sizes
from components.trainer.tuning.cluster import Cluster, taken_cluster
from components.trainer.tuning.config import TunerConfig
from components.trainer.tuning.journal import Journal
from components.trainer.tuning.learning_rate_range import find_learning_rates
from components.trainer.tuning.oracle_service import RemoteOracle, serve
from components.trainer.tuning.oracles import make_oracle, space
from components.trainer.tuning.plot import batch_sizes_png, rate_ranges_png, search_png
from components.trainer.tuning.results import (
    BatchSizes,
    RateRanges,
    Search,
    TrialResult,
    TuningResult,
)
from components.trainer.tuning.rows import hold_out_rows
from components.trainer.tuning.search import search
from components.trainer.tuning.shared_oracle import SharedOracle
from components.trainer.tuning.trial_loop import run_trials
from components.trainer.tuning.trials import Trials

# The names that TFX's own Tuner gives its files, and what is in them.
HYPERPARAMETERS_FILE = "best_hyperparameters.txt"
TRIALS_FILE = "tuner_results.json"
RESULT_FILE = "tuning.json"
RATES_PLOT, SIZES_PLOT, SEARCH_PLOT = "learning_rates.png", "batch_sizes.png", "search.png"


def tune(
    trainer: TrainerConfig,
    config: TunerConfig,
    train_patterns: Sequence[str],
    transform_graph_uri: str,
    hyperparameters_uri: str,
    results_uri: str,
    journal_uri: str,
) -> TuningResult | None:
    """Looks for good values of a trainer's configuration, and writes what it found.

    Each part starts from what the ones before it found. What learning-rate range test and search
    found is taken only if a whole training with it has a lower logloss on the held-out rows; the
    batch size, if its training is faster and the logloss near enough.

    If TF_CONFIG names several machines, each calls this function with the same arguments. The chief
    does everything; the others run trials of its search.

    Args:
      trainer: the configuration to tune.
      config: what to look for.
      train_patterns: globs of the train split's transformed Parquet files.
      transform_graph_uri: the folder of the transform graph.
      hyperparameters_uri: where KerasTuner's HyperParameters go; their file is the only one there.
      results_uri: where all trials, `tuning.json` and plots go.
      journal_uri: a folder for the results of single trainings, which all machines can reach. They
        answer the next try if this one is interrupted; at the end the folder is removed. Whoever
        names it sees to it that the next try has the same rows and code.

    Returns:
      what was found; None on a machine that is not the chief.

    Raises:
      InputError: if there are too few rows, nothing could be trained, or the devices are such that
        trials cannot run side by side.
    """
    with taken_cluster() as cluster, tempfile.TemporaryDirectory() as folder:

        def make_trials() -> Trials:
            rows = hold_out_rows(find_files(train_patterns), transform_graph_uri, config, folder)
            return Trials(trainer, rows, config.num_seeds, Journal(journal_uri))

        if cluster and not cluster.is_chief:
            if config.search:
                _work(cluster, make_trials)
            return None
        if cluster is None and config.search and config.search.parallel_trials > 1:
            config.check_device(best_device() if trainer.device == "auto" else trainer.device)
        oracle = None
        if cluster and config.search:
            oracle = SharedOracle(make_oracle(config.search, folder))
        # From the start, so that workers know that the chief is there.
        with serve(oracle, cluster.listen_address) if cluster and oracle else nullcontext():
            trials = make_trials()
            result = _Tuning(config, trials, oracle).run()
    _write_results(result, results_uri)
    _write_hyperparameters(result.tuned.values, config, hyperparameters_uri)
    trials.journal.remove()
    report(_summary(result))
    return result


def _work(cluster: Cluster, make_trials: Callable[[], Trials]) -> None:
    """Runs trials of the chief's search."""
    with RemoteOracle(cluster.chief) as oracle:
        oracle.connect()
        # A machine that has failed and is started again is another worker.
        run_trials(oracle, make_trials(), f"{cluster.task}-{uuid.uuid4().hex[:6]}")


class _Tuning:
    """The parts of a tuning, one after the other."""

    def __init__(self, config: TunerConfig, trials: Trials, served: SharedOracle | None) -> None:
        self._trainer = trials.config
        self._config = config
        self._rows = trials.rows
        self._journal = trials.journal
        self._trials = trials
        self._served = served
        self._values: dict[str, Any] = {}

    def run(self) -> TuningResult:
        """Runs what is asked for."""
        report("tuner: training as configured")
        configured = self._trials.run({})
        ranges = self._learning_rate_range()
        sizes = self._batch_sizes()
        searched = self._search()
        return TuningResult(
            variant=self._trainer.variant,
            train_rows=self._rows.num_train_rows,
            held_out_rows=self._rows.num_held_out_rows,
            configured=configured,
            tuned=self._trials.run(self._values),
            learning_rate_range=ranges,
            batch_sizes=sizes,
            search=searched,
        )

    def _learning_rate_range(self) -> RateRanges | None:
        options = self._config.learning_rate_range
        if options is None:
            return None
        result = self._journal.recall(
            "learning-rates",
            options.to_json(),
            RateRanges,
            lambda: find_learning_rates(self._trainer, self._rows, options),
        )
        suggested = {r.field: r.suggested for r in result.ranges if r.suggested is not None}
        if suggested:
            report("tuner: training with the suggested learning rates")
            self._take_if_better(self._trials.run(suggested))
        return result

    def _batch_sizes(self) -> BatchSizes | None:
        options = self._config.batch_sizes
        if options is None:
            return None
        config = with_values(self._trainer, self._values)
        result = compare_batch_sizes(
            config, self._rows, options, self._config.num_seeds, self._journal
        )
        [suggested] = [s for s in result.sizes if s.batch_size == result.suggested]
        if suggested.batch_size != config.batch_size:
            self._values = {**self._values, **suggested.values}
        return result

    def _search(self) -> Search | None:
        options = self._config.search
        if options is None:
            return None
        result = search(options, self._trials, self._values, self._served)
        finished = [trial for trial in result.trials if trial.logloss is not None]
        self._take_if_better(min(finished, key=lambda trial: trial.logloss or 0.0))
        return result

    def _take_if_better(self, trial: TrialResult) -> None:
        before = self._trials.run(self._values)
        if trial.logloss is None:
            return
        if before.logloss is None or trial.logloss < before.logloss:
            self._values = dict(trial.values)


def _write_results(result: TuningResult, uri: str) -> None:
    tf.io.gfile.makedirs(uri)
    plots = {
        RATES_PLOT: result.learning_rate_range and rate_ranges_png(result.learning_rate_range),
        SIZES_PLOT: result.batch_sizes and batch_sizes_png(result.batch_sizes),
        SEARCH_PLOT: result.search and search_png(result.search),
    }
    for name, plot in plots.items():
        if plot:
            write_bytes(os.path.join(uri, name), plot)
    trials = [
        {"trial_id": str(index), "score": trial.logloss, **trial.values}
        for index, trial in enumerate(result.search.trials if result.search else ())
        if trial.logloss is not None
    ]
    write_text(os.path.join(uri, TRIALS_FILE), json.dumps(trials, indent=1) + "\n")
    text = json.dumps(result.model_dump(mode="json"), indent=1, allow_nan=False)
    write_text(os.path.join(uri, RESULT_FILE), text + "\n")


def _write_hyperparameters(values: Mapping[str, Any], config: TunerConfig, uri: str) -> None:
    """Writes the values, and where they were searched for, as KerasTuner's HyperParameters."""
    fields = config.search.fields if config.search else {}
    hyperparameters = space({path: field for path, field in fields.items() if path in values})
    for path, value in values.items():
        if path not in fields:
            hyperparameters.Fixed(path, as_hyperparameter(value))
        hyperparameters.values[path] = as_hyperparameter(value)
    tf.io.gfile.makedirs(uri)
    text = json.dumps(hyperparameters.get_config())
    write_text(os.path.join(uri, HYPERPARAMETERS_FILE), text)


def _summary(result: TuningResult) -> str:
    """One line for the console."""
    values = ", ".join(f"{path} {_text(value)}" for path, value in result.tuned.values.items())
    before, after = result.configured.logloss, result.tuned.logloss
    return (
        f"{values or 'nothing better than configured'}; "
        f"held-out logloss {_text(before)} -> {_text(after)}"
    )


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)

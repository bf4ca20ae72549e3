import json
import math

import keras_tuner
import pytest

from components.errors import InputError
from components.trainer.config import TrainerConfig
from components.trainer.hyperparameters import tuned_config, with_values
from components.trainer.loop.divergence import DivergedError
from components.trainer.tuning import trials
from components.trainer.tuning import tune as module
from components.trainer.tuning.config import TunerConfig
from components.trainer.tuning.results import (
    BatchSizeResult,
    BatchSizes,
    RateRanges,
    TuningResult,
)
from components.trainer.tuning.tune import tune
from tests.components.trainer.tuning.test_plot import make_ranges

DENSE, TABLES = "dense_optimizer.learning_rate", "embedding_optimizer.learning_rate"
TRAINER = TrainerConfig(batch_size=32, embedding_dim=2)
SEARCH = {
    "algorithm": "grid",
    "fields": {"embedding_dim": {"values": [4, 8]}, "top_mlp": {"values": [[8], [16, 8]]}},
}


def logloss(config):
    """Lower the nearer the rate of the MLPs is to 0.3 and the wider the embeddings are."""
    rate = math.log10(config.dense_optimizer.learning_rate / 0.3)
    return 0.5 + 0.01 * rate**2 - 0.001 * config.embedding_dim


def rate_ranges(dense, tables):
    [first, second] = make_ranges().ranges
    dense = first.model_copy(update={"field": DENSE, "suggested": dense})
    tables = second.model_copy(update={"field": TABLES, "suggested": tables})
    return RateRanges(ranges=(dense, tables))


@pytest.fixture
def run(small_log, tmp_path, monkeypatch):
    """Tunes with invented losses; `run.started` are the configurations of the batch-size finder."""

    def run(ranges=None, train=logloss, **parts):
        def sizes(config, rows, options, num_seeds, journal):
            run.started.append(config)
            results = [
                BatchSizeResult(
                    batch_size=size,
                    values={"batch_size": size, DENSE: config.dense_optimizer.learning_rate * 2},
                    logloss=0.5,
                    train_examples_per_second=1.0,
                )
                for size in (32, 64)
            ]
            return BatchSizes(sizes=tuple(results), max_logloss_increase=0.1, suggested=run.size)

        monkeypatch.setattr(trials, "train_once", lambda config, rows: (train(config), 1.0))
        monkeypatch.setattr(module, "find_learning_rates", lambda *arguments: ranges)
        monkeypatch.setattr(module, "compare_batch_sizes", sizes)
        return tune(
            TRAINER,
            TunerConfig.model_validate(parts),
            [small_log.train_files[0].replace("a.parquet", "*")],
            small_log.features_dir,
            str(tmp_path / "hyperparameters"),
            str(tmp_path / "results"),
            str(tmp_path / "unfinished/journal"),
        )

    run.started, run.size = [], 64
    return run


def test_better_learning_rates_are_taken(run):
    result = run(rate_ranges(0.3, 0.9), learning_rate_range={})
    assert result.tuned.values == {DENSE: 0.3, TABLES: 0.9}
    assert result.tuned.logloss < result.configured.logloss


def test_worse_learning_rates_are_left(run):
    result = run(rate_ranges(1e-6, 0.9), learning_rate_range={})
    assert result.tuned == result.configured
    assert result.tuned.values == {}


def test_learning_rate_within_the_noise_stays_as_configured(run):
    result = run(rate_ranges(0.3, None), learning_rate_range={})
    assert result.tuned.values == {DENSE: 0.3}


def test_learning_rates_that_diverge_are_left(run):
    def train(config):
        if config.dense_optimizer.learning_rate > 0.2:
            raise DivergedError("too high")
        return logloss(config)

    assert run(rate_ranges(0.3, 0.9), train, learning_rate_range={}).tuned.values == {}


def test_anything_that_trains_is_better_than_a_configuration_that_does_not(run):
    def train(config):
        if config.dense_optimizer.learning_rate == TRAINER.dense_optimizer.learning_rate:
            raise DivergedError("too low")
        return logloss(config)

    result = run(rate_ranges(0.3, None), train, learning_rate_range={})
    assert result.configured.error == "too low"
    assert result.tuned.values == {DENSE: 0.3}


def test_batch_sizes_start_from_the_learning_rates_found(run):
    result = run(rate_ranges(0.3, None), learning_rate_range={}, batch_sizes={})
    [started] = run.started
    assert started == with_values(TRAINER, {DENSE: 0.3})
    assert result.tuned.values == {"batch_size": 64, DENSE: 0.6}


def test_configured_batch_size_leaves_its_learning_rates(run):
    run.size = 32
    assert run(batch_sizes={}).tuned.values == {}


def test_search_starts_from_the_batch_size_found_and_its_best_trial_is_taken(run):
    result = run(batch_sizes={}, search=SEARCH)
    assert result.tuned.values == {
        "batch_size": 64,
        DENSE: pytest.approx(0.04),
        "embedding_dim": 8,
        "top_mlp": [8],
    }
    assert len(result.search.trials) == 4


def test_search_that_finds_nothing_better_changes_nothing(run):
    result = run(search={"fields": {"embedding_dim": {"values": [1, 2]}}, "algorithm": "grid"})
    assert result.tuned.values == {}


def test_artifacts_hold_what_was_found(run, tmp_path):
    result = run(rate_ranges(0.3, 0.9), learning_rate_range={}, batch_sizes={}, search=SEARCH)
    names = {path.name for path in (tmp_path / "results").iterdir()}
    plots = {"learning_rates.png", "batch_sizes.png", "search.png"}
    assert names == plots | {"tuning.json", "tuner_results.json"}
    text = (tmp_path / "results/tuning.json").read_text()
    assert TuningResult.model_validate_json(text) == result
    records = json.loads((tmp_path / "results/tuner_results.json").read_text())
    assert [record["score"] for record in records] == [t.logloss for t in result.search.trials]
    assert records[0]["top_mlp"] == result.search.trials[0].values["top_mlp"]


def test_only_asked_parts_leave_files(run, tmp_path):
    run(search=SEARCH)
    names = {path.name for path in (tmp_path / "results").iterdir()}
    assert names == {"search.png", "tuning.json", "tuner_results.json"}


def test_hyperparameters_are_one_file_that_trainers_and_keras_tuner_read(run, tmp_path):
    result = run(rate_ranges(0.3, 0.9), learning_rate_range={}, search=SEARCH)
    [path] = (tmp_path / "hyperparameters").iterdir()
    config = json.loads(path.read_text())
    assert tuned_config(TRAINER, config, []) == with_values(TRAINER, result.tuned.values)
    read = keras_tuner.HyperParameters.from_config(config)
    assert read.get("embedding_dim") == 8
    assert read.get(DENSE) == 0.3


def test_interrupted_tuning_goes_on_where_it_was(run, tmp_path):
    trained = []

    def train(config):
        if len(trained) == 3:
            trained.append(config)
            raise KeyboardInterrupt
        trained.append(config)
        return logloss(config)

    with pytest.raises(KeyboardInterrupt):
        run(train=train, search=SEARCH)
    assert list((tmp_path / "unfinished/journal").iterdir())
    assert not (tmp_path / "results").exists()
    result = run(train=train, search=SEARCH)
    # As configured and two of the grid; the third one, interrupted; that and the last one.
    assert len(trained) == 3 + 1 + 2
    assert result.tuned.values["embedding_dim"] == 8
    assert not (tmp_path / "unfinished/journal").exists()


def test_trials_at_once_are_refused_before_any_training_if_there_is_a_gpu(run, monkeypatch):
    monkeypatch.setattr(module, "best_device", lambda: "gpu")
    with pytest.raises(InputError, match="parallel_trials: expected 1 on device gpu"):
        run(train=None, search={**SEARCH, "parallel_trials": 2})


def test_worker_has_nothing_to_do_without_a_search(run, tmp_path, monkeypatch):
    cluster = {"chief": ["127.0.0.1:1"], "worker": ["127.0.0.1:2"]}
    task = {"type": "worker", "index": 0}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))
    assert run(batch_sizes={}) is None
    assert not list(tmp_path.iterdir())


def test_chief_without_a_search_works_alone(run, monkeypatch):
    cluster = {"chief": ["127.0.0.1:1"], "worker": ["127.0.0.1:2"]}
    task = {"type": "chief", "index": 0}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))
    assert run(batch_sizes={}).tuned.values["batch_size"] == 64

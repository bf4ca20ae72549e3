import pytest

from components.errors import InputError
from components.trainer.config import TrainerConfig
from components.trainer.loop.divergence import DivergedError
from components.trainer.tuning import trials
from components.trainer.tuning.journal import Journal
from components.trainer.tuning.search import search
from components.trainer.tuning.trials import Trials
from tests.components.trainer.tuning.searches import RANGE, RATE, make_options, valley


@pytest.fixture
def make_trials(rows, tmp_path, monkeypatch):
    """Trials whose logloss is a function of the configuration; `trained` lists those."""
    trained = []

    def make(logloss, folder="journal"):
        def train_once(config, rows):
            trained.append(config)
            return logloss(config), 1.0

        monkeypatch.setattr(trials, "train_once", train_once)
        return Trials(TrainerConfig(), rows, 1, Journal(str(tmp_path / folder)))

    make.trained = trained
    return make


def test_grid_tries_every_combination_once(make_trials):
    fields = {
        "embedding_dim": {"values": [4, 8]},
        "top_mlp": {"values": [[8], [16, 8], []]},
        "gradient_clip_norm": {"values": [None, 1.0]},
    }
    result = search(make_options("grid", fields), make_trials(lambda config: 0.5), {})
    tried = {(c.embedding_dim, c.top_mlp, c.gradient_clip_norm) for c in make_trials.trained}
    assert len(result.trials) == len(make_trials.trained) == 12
    assert tried == {(d, m, n) for d in (4, 8) for m in ((8,), (16, 8), ()) for n in (None, 1.0)}


def test_values_of_trials_are_those_that_were_trained_with(make_trials):
    fields = {"top_mlp": {"values": [[8], [16]]}, "wide": {"values": [True, False]}}
    result = search(make_options("grid", fields), make_trials(lambda config: 0.5), {})
    assert [(tuple(t.values["top_mlp"]), t.values["wide"]) for t in result.trials] == [
        (config.top_mlp, config.wide) for config in make_trials.trained
    ]


def test_random_search_draws_within_the_bounds(make_trials):
    fields = {**RANGE, "embedding_dim": {"min": 2, "max": 5}}
    search(make_options(fields=fields, max_trials=30), make_trials(valley), {})
    rates = [config.dense_optimizer.learning_rate for config in make_trials.trained]
    assert 1e-5 <= min(rates) < 1e-3 < 1e-1 < max(rates) <= 10.0  # by logarithm
    assert {config.embedding_dim for config in make_trials.trained} == {2, 3, 4, 5}


def test_bayesian_search_comes_close_to_the_lowest_loss(make_trials):
    result = search(make_options("bayesian", max_trials=14), make_trials(valley), {})
    assert min(trial.logloss for trial in result.trials) < 0.402
    first, last = result.trials[:3], result.trials[-5:]
    assert max(t.logloss for t in last) < max(t.logloss for t in first)


@pytest.mark.parametrize("algorithm", ["random", "bayesian"])
def test_seed_decides_what_is_tried(make_trials, algorithm):
    def tried(seed, folder):
        options = make_options(algorithm, max_trials=5, seed=seed)
        return [t.values[RATE] for t in search(options, make_trials(valley, folder), {}).trials]

    assert tried(0, "a") == tried(0, "b")
    assert tried(0, "c") != tried(1, "d")


def test_search_starts_from_what_was_found_before(make_trials):
    start = {"batch_size": 77, RATE: 123.0}
    search(make_options(max_trials=2), make_trials(valley), start)
    assert {config.batch_size for config in make_trials.trained} == {77}
    assert 123.0 not in {config.dense_optimizer.learning_rate for config in make_trials.trained}


def test_failed_trial_is_kept_and_the_search_goes_on(make_trials):
    def logloss(config):
        if config.dense_optimizer.learning_rate > 1e-3:
            raise DivergedError("too high")
        return valley(config)

    result = search(make_options(max_trials=12), make_trials(logloss), {})
    failed = [trial for trial in result.trials if trial.logloss is None]
    assert len(result.trials) == 12
    assert 0 < len(failed) < 12
    assert {trial.error for trial in failed} == {"too high"}


def test_search_whose_trials_all_fail_is_an_error(make_trials):
    def logloss(config):
        raise DivergedError("too high")

    with pytest.raises(InputError, match="every trial failed, the last one: too high"):
        search(make_options(max_trials=5), make_trials(logloss), {})


def test_error_in_the_code_ends_the_search(make_trials):
    def logloss(config):
        raise KeyError("a bug")

    with pytest.raises(Exception, match="a bug") as error:
        search(make_options(max_trials=5), make_trials(logloss), {})
    assert isinstance(error.value.__cause__, KeyError)
    assert len(make_trials.trained) == 1


@pytest.mark.parametrize("algorithm", ["grid", "random", "bayesian"])
def test_interrupted_search_goes_on_where_it_was(make_trials, algorithm):
    values = [float(f"1e-{power}") for power in range(8)]
    fields = {RATE: {"values": values}} if algorithm == "grid" else RANGE
    options = make_options(algorithm, fields, max_trials=8)
    whole = search(options, make_trials(valley, "whole"), {})
    make_trials.trained.clear()

    def logloss(config):
        if len(make_trials.trained) == 6:
            raise KeyboardInterrupt
        return valley(config)

    with pytest.raises(KeyboardInterrupt):
        search(options, make_trials(logloss), {})
    make_trials.trained.clear()
    assert search(options, make_trials(valley), {}) == whole
    assert len(make_trials.trained) == 3


def test_search_prints_nothing(make_trials, capsys):
    def logloss(config):
        if len(make_trials.trained) == 1:
            raise DivergedError("too high")
        return valley(config)

    search(make_options(max_trials=2), make_trials(logloss), {})
    assert capsys.readouterr() == ("", "")

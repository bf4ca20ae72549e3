"""The service over real gRPC on loopback; the workers are threads."""

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from keras_tuner.engine.trial import TrialStatus

from components.errors import InputError
from components.trainer.config import TrainerConfig
from components.trainer.loop.divergence import DivergedError
from components.trainer.tuning import trials
from components.trainer.tuning.journal import Journal
from components.trainer.tuning.oracle_service import ChiefGoneError, RemoteOracle, serve
from components.trainer.tuning.search import search
from components.trainer.tuning.shared_oracle import trial_values
from components.trainer.tuning.trial_loop import run_trials
from components.trainer.tuning.trials import Trials
from tests.components.trainer.tuning.searches import (
    RANGE,
    RATE,
    make_options,
    make_shared,
    valley,
)

LOOPBACK = "127.0.0.1:0"


@pytest.fixture
def search_together(rows, tmp_path, monkeypatch):
    """Searches as a chief with two workers; `trained` are the threads and configurations."""
    trained = []

    def run(options, logloss, start=None):
        def train_once(config, rows):
            trained.append((threading.current_thread().name, config))
            return logloss(config), 1.0

        monkeypatch.setattr(trials, "train_once", train_once)

        def make_trials():
            return Trials(TrainerConfig(), rows, 1, Journal(str(tmp_path / "journal")))

        def work(address, name):
            with RemoteOracle(address) as oracle:
                oracle.connect()
                run_trials(oracle, make_trials(), name)

        oracle = make_shared(tmp_path / "oracle", options)
        with ThreadPoolExecutor() as pool:
            with serve(oracle, LOOPBACK) as address:
                workers = [pool.submit(work, address, name) for name in "ab"]
                result = search(options, make_trials(), start or {}, oracle)
            for worker in workers:
                worker.result(timeout=30)
        return result

    run.trained = trained
    return run


def test_trials_run_side_by_side_on_all_machines(search_together):
    # Nobody passes before all three are there.
    barrier = threading.Barrier(3)

    def logloss(config):
        barrier.wait(timeout=30)
        return 0.5

    search_together(make_options("grid", {RATE: {"values": [1e-3, 1e-2, 1e-1]}}), logloss)
    assert len({thread for thread, _ in search_together.trained}) == 3


@pytest.mark.parametrize(
    ("algorithm", "fields"),
    [
        ("grid", {RATE: {"values": [0.1, 0.2, 0.7]}, "top_mlp": {"values": [[8], []]}}),
        ("random", {**RANGE, "embedding_dim": {"min": 2, "max": 5}}),
    ],
)
def test_machines_find_together_what_one_finds_alone(
    search_together, rows, tmp_path, algorithm, fields
):
    options = make_options(algorithm, fields, max_trials=6)
    together = search_together(options, valley, {"batch_size": 77})
    assert len(search_together.trained) == 6
    # `trials.train_once` is still the invented one.
    alone = Trials(TrainerConfig(), rows, 1, Journal(str(tmp_path / "alone")))
    assert search(options, alone, {"batch_size": 77}) == together


def test_bayesian_search_runs_on_several_machines(search_together):
    result = search_together(make_options("bayesian", max_trials=6), valley)
    assert len({trial.values[RATE] for trial in result.trials}) == 6


def test_failed_trial_of_a_worker_is_kept(search_together):
    def logloss(config):
        raise_it = config.dense_optimizer.learning_rate > 0.1
        if raise_it:
            raise DivergedError("too high")
        return 0.5

    options = make_options("grid", {RATE: {"values": [1e-3, 1.0, 1e-2, 2.0]}})
    errors = [trial.error for trial in search_together(options, logloss).trials]
    assert errors == ["", "too high", "", "too high"]


def test_chief_takes_the_trial_of_a_worker_that_died(rows, tmp_path, monkeypatch):
    monkeypatch.setattr(trials, "train_once", lambda config, rows: (valley(config), 1.0))
    options = make_options("grid", {RATE: {"values": [1e-3, 1e-2, 1e-1]}})
    oracle = make_shared(tmp_path, options, lost_seconds=0.3)
    oracle.begin({})
    with serve(oracle, LOOPBACK) as address:
        with RemoteOracle(address) as dying:
            assert trial_values(dying.create_trial("dying")) == {RATE: 1e-3}
        chief = Trials(TrainerConfig(), rows, 1, Journal(str(tmp_path / "journal")))
        result = search(options, chief, {}, oracle)
    assert [trial.values[RATE] for trial in result.trials] == [1e-3, 1e-2, 1e-1]
    assert all(trial.logloss is not None for trial in result.trials)


def test_signs_of_life_keep_a_long_trial(tmp_path):
    oracle = make_shared(tmp_path, make_options(), lost_seconds=1.0)
    oracle.begin({})
    with serve(oracle, LOOPBACK) as address, RemoteOracle(address, beat_seconds=0.05) as remote:
        first = remote.create_trial("a")
        time.sleep(1.2)
        assert oracle.create_trial("b").trial_id != first.trial_id
        assert remote.create_trial("a").trial_id == first.trial_id
        oracle.lose("a", "test")
        oracle.lose("b", "test")


def test_worker_waits_for_a_chief_that_starts_later(tmp_path):
    oracle = make_shared(tmp_path, make_options())
    with serve(oracle, LOOPBACK) as address:
        pass
    with ThreadPoolExecutor() as pool, RemoteOracle(address) as remote:
        connected = pool.submit(remote.connect)
        time.sleep(0.2)
        assert not connected.done()
        with serve(oracle, address):
            connected.result(timeout=30)
            assert remote.create_trial("a").status == TrialStatus.IDLE
            oracle.lose("a", "test")


def test_worker_that_finds_no_chief_says_where(tmp_path):
    with serve(make_shared(tmp_path, make_options()), LOOPBACK) as address:
        pass
    with (
        RemoteOracle(address) as remote,
        pytest.raises(ChiefGoneError, match=f"the chief at {address} does not answer"),
    ):
        remote.connect(first_seconds=0.2)


def test_worker_whose_chief_goes_while_it_trains_stops(tmp_path):
    oracle = make_shared(tmp_path, make_options())
    oracle.begin({})
    with pytest.raises(ChiefGoneError), contextlib.ExitStack() as stack:
        with serve(oracle, LOOPBACK) as address:
            remote = RemoteOracle(address, gone_seconds=0.3, beat_seconds=0.05)
            stack.enter_context(remote).create_trial("a")
            oracle.lose("a", "test")  # else the chief would wait for it
        time.sleep(20)


def test_port_that_is_taken_is_an_error(tmp_path):
    oracle = make_shared(tmp_path, make_options())
    with (
        serve(oracle, LOOPBACK) as address,
        pytest.raises(InputError, match=f"expected a free port at {address}"),
        serve(oracle, address),
    ):
        pass

import pytest
from keras_tuner.engine.trial import Trial, TrialStatus

from components.trainer.tuning import shared_oracle
from components.trainer.tuning.shared_oracle import CHIEF, SharedOracle, trial_values
from tests.components.trainer.tuning.searches import RATE, make_options, make_shared

RATES = [1e-3, 1e-2]


@pytest.fixture
def clock(monkeypatch):
    """`clock.now` are the seconds that have gone by."""

    class Clock:
        now = 0.0

    monkeypatch.setattr(shared_oracle.time, "monotonic", lambda: Clock.now)
    return Clock


@pytest.fixture
def oracle(tmp_path, clock):
    """Two trials; workers are lost after 60 seconds."""
    options = make_options("grid", {RATE: {"values": RATES}})
    shared = make_shared(tmp_path, options)
    shared.begin({})
    return shared


def rate(trial):
    return trial_values(trial)[RATE]


def finish(oracle, trial, logloss=0.5):
    oracle.update_trial(trial.trial_id, {"logloss": logloss})
    oracle.end_trial(Trial(trial.hyperparameters, trial.trial_id, TrialStatus.COMPLETED))


def test_workers_wait_until_the_search_begins(tmp_path):
    oracle = make_shared(tmp_path, make_options())
    assert oracle.create_trial("a").status == TrialStatus.IDLE
    oracle.begin({})
    assert oracle.create_trial("a").status == TrialStatus.RUNNING


def test_trial_holds_what_all_trials_start_from(tmp_path):
    oracle = make_shared(tmp_path, make_options("grid", {RATE: {"values": [0.1]}}))
    oracle.begin({"batch_size": 77, "top_mlp": [8, 4], RATE: 123.0})
    values = trial_values(oracle.create_trial("a"))
    assert values == {"batch_size": 77, "top_mlp": [8, 4], RATE: 0.1}


def test_every_worker_has_another_trial(oracle):
    assert [rate(oracle.create_trial(name)) for name in "ab"] == RATES


def test_worker_that_asks_again_has_the_same_trial(oracle):
    assert oracle.create_trial("a").trial_id == oracle.create_trial("a").trial_id


def test_nobody_goes_home_while_a_trial_may_come_back(oracle):
    first, _ = oracle.create_trial("a"), oracle.create_trial("b")
    finish(oracle, first)
    assert oracle.create_trial("a").status == TrialStatus.IDLE
    assert not oracle.all_know_the_end()


def test_all_go_home_when_every_trial_has_ended(oracle):
    for trial in [oracle.create_trial("a"), oracle.create_trial("b")]:
        finish(oracle, trial)
    assert [oracle.create_trial(name).status for name in "ab"] == [TrialStatus.STOPPED] * 2
    assert oracle.all_know_the_end()


def test_trial_of_a_silent_worker_goes_to_the_next_one(oracle, clock):
    lost = oracle.create_trial("a")
    clock.now = 61.0
    assert rate(oracle.create_trial("b")) == rate(lost)


def test_worker_with_signs_of_life_keeps_its_trial(oracle, clock):
    kept = oracle.create_trial("a")
    for clock.now in (40.0, 80.0):
        oracle.get_trial(kept.trial_id)
    assert rate(oracle.create_trial("b")) != rate(kept)


def test_chief_needs_no_sign_of_life(oracle, clock):
    kept = oracle.create_trial(CHIEF)
    clock.now = 1e6
    assert rate(oracle.create_trial("b")) != rate(kept)


def test_trial_that_loses_two_workers_is_given_up(oracle):
    for name in "ab":
        assert rate(oracle.create_trial(name)) == RATES[0]
        assert oracle.lose(name, "its process was ended by signal 9")
    finish(oracle, oracle.create_trial("c"))
    assert oracle.create_trial("c").status == TrialStatus.STOPPED
    error = "given up after 2 workers: its process was ended by signal 9"
    assert oracle.outcomes() == [({RATE: RATES[0]}, error), ({RATE: RATES[1]}, "")]


def test_worker_without_a_trial_loses_none(oracle):
    assert not oracle.lose("a", "gone")


def test_late_end_of_a_trial_that_was_taken_back_counts(oracle, clock):
    late, other = oracle.create_trial("a"), oracle.create_trial("b")
    oracle.lose("a", "silent")
    finish(oracle, late)
    finish(oracle, other)
    assert oracle.create_trial("b").status == TrialStatus.STOPPED


def test_second_end_of_a_trial_changes_nothing(oracle):
    first = oracle.create_trial("a")
    finish(oracle, first, 0.5)
    finish(oracle, first, 0.1)
    assert oracle.progress() == "search: trial 1 of at most 20, best logloss 0.5000"


def test_trial_of_a_chief_before_this_one_is_not_counted(oracle, tmp_path):
    other = make_shared(tmp_path / "other", make_options("grid", {RATE: {"values": [7.0]}}))
    other.begin({})
    old = other.create_trial("a")
    oracle.create_trial("b")
    finish(oracle, old, 0.1)
    assert oracle.get_trial(old.trial_id).status == TrialStatus.INVALID
    assert oracle.progress() == "search: trial 1 of at most 20"


def test_progress_before_the_first_trial_is_that_the_search_starts(oracle):
    assert oracle.progress() == "search: starting"


def test_progress_says_how_many_trials_run(oracle):
    oracle.create_trial("a")
    oracle.create_trial("b")
    assert oracle.progress() == "search: trial 2 of at most 20, 2 at once"


def test_error_of_the_oracle_reaches_all_who_ask(tmp_path, clock):
    class Broken:
        def __init__(self):
            self.ongoing_trials = {}

        def create_trial(self, tuner_id):
            raise KeyError("a bug")

    oracle = SharedOracle(Broken())
    oracle.begin({})
    with pytest.raises(KeyError, match="a bug"):
        oracle.create_trial("a")
    with pytest.raises(RuntimeError, match="the search has failed: 'a bug'"):
        oracle.create_trial("b")

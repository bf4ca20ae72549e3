import subprocess

import pytest

from components.trainer.tuning import trial_processes
from components.trainer.tuning.journal import Journal
from components.trainer.tuning.search import search
from components.trainer.tuning.trial_processes import run_trials_in_processes
from components.trainer.tuning.trials import Trials
from tests.components.trainer.small_log import CONFIG
from tests.components.trainer.tuning.searches import make_options, make_shared

HELPERS = "tests.components.trainer.tuning.processes"
DIMS = {"embedding_dim": {"values": [2, 3, 4, 5]}}


@pytest.fixture
def make_trials(rows, tmp_path):
    def make(folder="journal"):
        return Trials(CONFIG, rows, 1, Journal(str(tmp_path / folder)))

    return make


@pytest.fixture
def run(make_trials, tmp_path, monkeypatch):
    """Runs two processes of another module; `started` are all processes."""
    started = []
    popen = subprocess.Popen

    def spy(*arguments, **options):
        started.append(popen(*arguments, **options))
        return started[-1]

    def run(module):
        monkeypatch.setattr(trial_processes, "_MODULE", f"{HELPERS}.{module}")
        monkeypatch.setattr(trial_processes.subprocess, "Popen", spy)
        oracle = make_shared(tmp_path, make_options("grid", DIMS))
        run_trials_in_processes(oracle, make_trials(), 2)

    run.started = started
    return run


def test_process_that_fails_ends_the_search_with_its_last_words(run):
    with pytest.raises(RuntimeError, match=r"(?s)a process ended with 1:.*KeyError: 'a bug'"):
        run("broken")
    assert all(process.returncode is not None for process in run.started)


def test_process_that_is_killed_before_its_first_trial_ends_the_search(run):
    with pytest.raises(RuntimeError, match="a process ended with -9"):
        run("killed")


def test_interrupt_ends_all_processes(run, monkeypatch):
    def interrupted(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(trial_processes.time, "sleep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run("endless")
    assert [process.returncode for process in run.started] == [-9, -9]


@pytest.mark.slow
def test_process_that_is_killed_in_a_trial_is_replaced(make_trials, monkeypatch, rows):
    monkeypatch.setattr(trial_processes, "_MODULE", f"{HELPERS}.killed_once")
    result = search(make_options("grid", DIMS, parallel_trials=2), make_trials(), {})
    assert [trial.logloss for trial in result.trials] == [0.502, 0.503, 0.504, 0.505]


@pytest.mark.slow
def test_processes_find_what_one_process_finds(make_trials):
    alone = search(make_options("grid", DIMS), make_trials("alone"), {})
    together = search(make_options("grid", DIMS, parallel_trials=2), make_trials("together"), {})
    assert [trial.values for trial in together.trials] == [trial.values for trial in alone.trials]
    losses = [trial.logloss for trial in alone.trials]
    assert [trial.logloss for trial in together.trials] == pytest.approx(losses, rel=1e-6)

import pytest

from components.trainer.tuning.journal import Journal
from components.trainer.tuning.results import TrialResult


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "step" / "journal"


def never():
    raise AssertionError("computed again")


def test_result_is_computed_once_also_by_the_next_process(folder):
    result = TrialResult(values={"top_mlp": [8, 4], "epochs": 2}, logloss=0.5)
    assert Journal(str(folder)).recall("trial", "a", TrialResult, lambda: result) == result
    assert Journal(str(folder)).recall("trial", "a", TrialResult, never) == result


def test_results_of_other_keys_and_kinds_are_kept_apart(folder):
    journal = Journal(str(folder))
    for index, (kind, key) in enumerate([("a", "1"), ("a", "2"), ("b", "1")]):
        expected = TrialResult(logloss=float(index))
        assert journal.recall(kind, key, TrialResult, lambda e=expected: e) == expected


def test_interrupted_result_leaves_nothing(folder):
    def interrupted():
        raise KeyboardInterrupt

    journal = Journal(str(folder))
    with pytest.raises(KeyboardInterrupt):
        journal.recall("trial", "a", TrialResult, interrupted)
    assert list(folder.iterdir()) == []


def test_removed_journal_is_gone(folder):
    journal = Journal(str(folder))
    journal.recall("trial", "a", TrialResult, lambda: TrialResult(logloss=None))
    journal.remove()
    assert not folder.exists()

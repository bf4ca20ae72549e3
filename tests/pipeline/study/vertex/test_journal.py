import pytest

from components.errors import InputError
from pipeline.study.vertex.journal import RunJournal, Submission


def test_what_was_put_is_read_by_the_next_start(tmp_path):
    path = tmp_path / "study/runs.json"
    journal = RunJournal(path)
    journal.put("1MB/a", Submission(id="run-1", digest="x"))
    journal.put("1MB/b", Submission(id="run-2", digest="y"))
    journal.forget("1MB/b")
    again = RunJournal(path)
    assert again.get("1MB/a", "x") == "run-1"
    assert again.get("1MB/b", "y") is None


def test_run_that_was_made_from_something_else_is_none(tmp_path):
    journal = RunJournal(tmp_path / "runs.json")
    journal.put("1MB/a", Submission(id="run-1", digest="x"))
    assert journal.get("1MB/a", "other") is None
    journal.put("1MB/a", Submission(id="run-2", digest="other"))
    assert journal.get("1MB/a", "other") == "run-2"


def test_damaged_file_is_named(tmp_path):
    path = tmp_path / "runs.json"
    path.write_text('{"1MB/a": {"id"')
    with pytest.raises(InputError, match=r"runs\.json: expected the runs of a study"):
        RunJournal(path)

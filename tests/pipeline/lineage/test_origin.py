"""How a run was started: read from the checkout, written to ML Metadata and read again."""

import subprocess
from pathlib import Path

import pytest

from pipeline.lineage.origin import read_origin, record_origin
from pipeline.lineage.records import Origin
from pipeline.lineage.store import read_snapshot
from tests.pipeline.lineage.tfx_store import TfxStore


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A git checkout of one commit."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / "code.py").write_text("x = 1\n")
    git(tmp_path, "add", "code.py")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    return tmp_path


def test_origin_tells_the_commit_of_a_clean_checkout(checkout: Path) -> None:
    origin = read_origin("run.py", ["--set", "a=b c"], checkout)
    assert origin == Origin("run.py --set 'a=b c'", git(checkout, "rev-parse", "HEAD"), False)


@pytest.mark.parametrize("name", ["code.py", "new.py"])
def test_origin_tells_that_a_file_was_changed_or_added(checkout: Path, name: str) -> None:
    (checkout / name).write_text("x = 2\n")
    assert read_origin("run.py", [], checkout).has_local_changes is True


def test_origin_outside_of_a_checkout_knows_no_commit(tmp_path: Path) -> None:
    assert read_origin("run.py", [], tmp_path / "absent") == Origin("run.py")


@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        ("--beam=--password=hunter2", "--beam=--password=***"),
        ("--beam=--secret_key=a b,c", "--beam=--secret_key=***"),
        ("model.api_key=abc,other=1", "model.api_key=***"),
        ('--x={"password": "hunter2"}', '--x={"password":***'),
        ("https://host/day?sig=abc", "https://host/day?sig=***"),
        ("https://me:hunt/er2@host/day_*", "https://***@host/day_*"),
        ("trainer.tokens_per_day=3", "trainer.tokens_per_day=3"),
        ("gs://bucket/day", "gs://bucket/day"),
        ("trainer.seed=3", "trainer.seed=3"),
    ],
)
def test_origin_hides_what_looks_like_a_secret(tmp_path: Path, argument: str, shown: str) -> None:
    command = read_origin("run.py", [argument], tmp_path / "absent").command
    assert command.removeprefix("run.py ").strip("'") == shown


def test_origin_hides_the_value_behind_the_name_of_a_secret(tmp_path: Path) -> None:
    arguments = ["--beam=--password", "--beam=hunter2", "--token", "abc", "--preset", "tiny"]
    command = read_origin("run.py", arguments, tmp_path / "absent").command
    assert command == "run.py --beam=--password '--beam=***' --token '***' --preset tiny"


def test_origin_of_a_copy_inside_another_checkout_knows_no_commit(checkout: Path) -> None:
    (checkout / "copy").mkdir()
    assert read_origin("run.py", [], checkout / "copy") == Origin("run.py")


def test_origin_is_kept_with_its_run(tmp_path: Path) -> None:
    store = TfxStore(tmp_path)
    origins = {
        "run-1": Origin("run_local.py --preset tiny", "1f0ed52", True),
        "run-2": Origin("run_local.py"),
    }
    for run_id, origin in origins.items():
        store.start_run(run_id)
        record_origin(tmp_path / "metadata.sqlite", run_id, origin)
    store.start_run("run-3")
    snapshot = read_snapshot(tmp_path)
    assert {run.id: run.origin for run in snapshot.runs} == {**origins, "run-3": None}
    assert snapshot.origin("run-1") == origins["run-1"]
    assert snapshot.origin("absent") is None


def test_origin_of_a_run_is_written_once(tmp_path: Path) -> None:
    TfxStore(tmp_path).start_run("run")
    path = tmp_path / "metadata.sqlite"
    record_origin(path, "run", Origin("first"))
    record_origin(path, "run", Origin("second", "1f0ed52", False))
    assert read_snapshot(tmp_path).origin("run") == Origin("first")


def test_origin_of_a_run_that_is_not_known_writes_nothing(tmp_path: Path) -> None:
    record_origin(tmp_path / "metadata.sqlite", "run", Origin("first"))
    assert list(tmp_path.iterdir()) == []
    TfxStore(tmp_path)
    record_origin(tmp_path / "metadata.sqlite", "run", Origin("first"))
    assert read_snapshot(tmp_path).runs == ()

import pytest

from components import code_version as module
from components.code_version import code_version


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    for name in ("components/shared.py", "schemas/a.py", "requirements.txt", "components/x/a.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1")
    monkeypatch.setattr(module, "_ROOT", tmp_path)
    return tmp_path


def test_version_is_stable_while_nothing_changes(checkout):
    assert code_version(["components/x/*.py"]) == code_version(["components/x/*.py"])


@pytest.mark.parametrize(
    "name", ["components/x/a.py", "components/shared.py", "schemas/a.py", "requirements.txt"]
)
def test_version_changes_with_a_source_that_the_step_runs(checkout, name):
    before = code_version(["components/x/*.py"])
    (checkout / name).write_text("2")
    assert code_version(["components/x/*.py"]) != before


def test_version_does_not_change_with_another_steps_source(checkout):
    before = code_version(["components/x/*.py"])
    (checkout / "components/y").mkdir()
    (checkout / "components/y/a.py").write_text("2")
    assert code_version(["components/x/*.py"]) == before


def test_version_changes_when_a_source_is_renamed(checkout):
    before = code_version(["components/x/*.py"])
    (checkout / "components/x/a.py").rename(checkout / "components/x/b.py")
    assert code_version(["components/x/*.py"]) != before


def test_version_refuses_a_pattern_without_files(checkout):
    with pytest.raises(ValueError, match=r"components/nope/\*\.py"):
        code_version(["components/nope/*.py"])

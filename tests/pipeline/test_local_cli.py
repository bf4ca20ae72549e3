import pytest

from components.errors import InputError
from pipeline.local_cli import _cause, main


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--preset", "nope"], "unknown preset 'nope'"),
        (["--variants", "full,nope"], "unknown variant 'nope'"),
        (["--set", "trainer.nope=1"], "nope"),
        (["--set", "nope=1"], "section.field=value"),
    ],
)
def test_wrong_flags_give_one_line_and_touch_nothing(flags, said, tmp_path, capsys):
    assert main(["--root", str(tmp_path / "run"), *flags]) == 2
    out = capsys.readouterr().out
    assert said in out
    assert out.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_cause_is_the_users_error_however_deep():
    try:
        try:
            raise InputError("line 7 is bad")
        except InputError as error:
            raise RuntimeError("wrapped [while running X]") from error
    except RuntimeError as error:
        assert _cause(error) == "line 7 is bad"


def test_cause_of_other_errors_is_the_innermost_with_its_type():
    try:
        try:
            raise KeyError("x")
        except KeyError as error:
            raise RuntimeError("wrapped") from error
    except RuntimeError as error:
        assert _cause(error) == "KeyError: 'x'"

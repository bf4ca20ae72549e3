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
        (["--set", "variants.hashin.epochs=2"], "unknown variant 'hashin'"),
        (["--root", "/dev/null/x"], "/dev/null/x cannot be made"),
        (["--root", "a[1]"], "character of file patterns"),
        (["--schema", "nope"], "schema 'nope'"),
        (["--schema", "avazu"], "--schema avazu needs --data"),
    ],
)
def test_wrong_flags_give_one_line_and_touch_nothing(flags, said, tmp_path, capsys):
    if "--root" not in flags:
        flags = ["--root", str(tmp_path / "run"), *flags]
    assert main(flags) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_cause_is_the_users_error_however_deep():
    try:
        try:
            raise InputError("line 7 is bad")
        except InputError as error:
            raise RuntimeError("wrapped [while running X]") from error
    except RuntimeError as error:
        assert _cause(error) == "line 7 is bad"


def test_cause_respects_a_suppressed_context():
    try:
        try:
            raise KeyError("x")
        except KeyError:
            raise RuntimeError("the useful message") from None
    except RuntimeError as error:
        assert _cause(error) == "RuntimeError: the useful message"


def test_cause_of_other_errors_is_the_innermost_with_its_type():
    try:
        try:
            raise KeyError("x")
        except KeyError as error:
            raise RuntimeError("wrapped") from error
    except RuntimeError as error:
        assert _cause(error) == "KeyError: 'x'"


def test_cause_of_a_worker_is_the_last_line_of_its_traceback():
    text = (
        "Error received from SDK harness for instruction 3: Traceback (most recent call last):\n"
        '  File "x.py", line 7, in process\n    y = 1\n'
        "tensorflow.errors.ResourceExhaustedError: disk full [while running 'Decode']\n"
    )
    expected = "ResourceExhaustedError: disk full [while running 'Decode']"
    assert _cause(RuntimeError(text)) == expected


def test_interrupt_while_loading_gives_one_line(tmp_path, capsys, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.local_cli.load_config", interrupted)
    assert main(["--root", str(tmp_path / "run")]) == 130
    assert capsys.readouterr().err == "error: interrupted\n"


def test_empty_data_pattern_is_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["--data", ""])
    assert "expected a path" in capsys.readouterr().err

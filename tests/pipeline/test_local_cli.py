import pytest

from pipeline.local_cli import main


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

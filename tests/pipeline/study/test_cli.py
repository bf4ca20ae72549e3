import fcntl

import pytest

from pipeline.study.cli import main

TINY = """
preset: tiny
datasets: [243kB]
variants: {full: {}, hashing: {embedding: {method: hashing}}}
seeds: 3
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(TINY)
    return str(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seeds: 0", "seeds: Input should be greater than or equal to 1"),
        ("presets: x", "presets: unknown field"),
        ("baseline: x", "baseline: expected some of"),
        ("data: nothing/*.tsv", "nothing/*.tsv matches none"),
        ("set: [trainer.epochs=0]", "trainer: epochs"),
    ],
)
def test_wrong_configuration_gives_one_line_and_touches_nothing(text, said, tmp_path, capsys):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    assert main(["--config", str(path), "--root", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "--config"),
        (["--config", ""], "expected a path"),
        (["--config", "small", "--parallel", "0"], "expected at least 1, received '0'"),
        (["--config", "small", "--parallel", "x"], "expected at least 1, received 'x'"),
    ],
)
def test_wrong_flags_are_refused(flags, said, capsys):
    with pytest.raises(SystemExit) as error:
        main(flags)
    assert error.value.code == 2
    assert said in capsys.readouterr().err


def test_unknown_study_names_the_known_ones(tmp_path, capsys):
    assert main(["--config", "nope", "--root", str(tmp_path)]) == 2
    assert "expected one of sizes, small or a YAML file" in capsys.readouterr().err


def test_root_that_reads_as_a_pattern_is_refused(config, capsys):
    assert main(["--config", config, "--root", "a[1]"]) == 2
    assert "character of file patterns" in capsys.readouterr().err


def test_dry_run_lists_cells_and_total_and_writes_nothing(config, tmp_path, capsys):
    root = tmp_path / "run"
    assert main(["--config", config, "--root", str(root), "--dry-run", "--parallel", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [line.split() for line in lines if line.startswith("243kB/")]
    assert [row[:2] for row in rows] == [
        ["243kB/dlrm_full", "cpu"],
        ["243kB/dlrm_hashing", "cpu"],
    ]
    assert all(row[-1] == "assumed" for row in rows)
    [counts] = [line for line in lines if line.startswith("2 cells")]
    assert counts.startswith("2 cells in 1 groups, 3 seeds each: 6 trainings, 2 at once with ")
    assert not root.exists()


def test_second_study_in_the_same_root_is_refused(config, tmp_path, capsys):
    (tmp_path / "run/study").mkdir(parents=True)
    with (tmp_path / "run/study/lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert main(["--config", config, "--root", str(tmp_path / "run")]) == 1
    assert "a study is running in" in capsys.readouterr().err

"""The command that writes a log."""

import json
from pathlib import Path

import pytest

from components.synthetic.__main__ import main


def test_main_prints_the_summary_that_lies_beside_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--rows", "30", "--out", str(tmp_path / "a.tsv")]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((tmp_path / "a.json").read_bytes())


def test_main_reports_bad_flags(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--rows", "0", "--out", str(tmp_path / "a.tsv")])
    assert "rows" in capsys.readouterr().err

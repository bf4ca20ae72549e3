"""The command that draws the outcome anew."""

import pyarrow.parquet as pq

from pipeline.study.outcome.cli import main
from tests.pipeline.study.outcome.sample import final_row, key, run_rows, tables


def test_outcome_is_drawn_from_the_tables(tmp_path, capsys):
    folder = tmp_path / "study"
    folder.mkdir()
    cell = key("a")
    found = tables(run_rows(cell, [0.5]), [final_row(cell, 0.7)])
    for name, table in zip(("curves", "finals"), found, strict=True):
        pq.write_table(table, folder / f"{name}.parquet")
    assert main(["--root", str(tmp_path)]) == 0
    assert capsys.readouterr().out.strip() == str(folder / "index.html")
    assert (folder / "summary.md").exists()
    assert (folder / "hparams").is_dir()


def test_missing_tables_are_said(tmp_path, capsys):
    assert main(["--root", str(tmp_path)]) == 1
    assert f"{tmp_path}/study/curves.parquet not found" in capsys.readouterr().err

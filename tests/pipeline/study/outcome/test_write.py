"""The whole outcome, written from tables."""

import re

from pipeline.study.outcome import write_outcome
from tests.pipeline.study.outcome.sample import final_row, key, run_rows, tables


def test_page_is_whole_and_small(small):
    page = (small / "index.html").read_text()
    assert len(page.encode()) < 3_000_000
    assert not re.search(r"\$[a-z_]+", page)
    assert not re.search(r'(src|href)="(?!data:|figures/|#)', page)
    assert "url(http" not in page


def test_numbers_in_figures_keep_their_digits(small):
    assert re.search(r">[+\u2212]0\.\d{4}</text>", (small / "index.html").read_text())


def test_ids_of_the_page_are_unique(small):
    ids = re.findall(r'\sid="([^"]+)"', (small / "index.html").read_text())
    assert len(ids) == len(set(ids)) > 20


def test_each_figure_is_a_png_and_an_svg(small):
    names = {path.name for path in (small / "figures").iterdir()}
    stems = {path.rsplit(".", 1)[0] for path in names}
    assert names == {f"{stem}.{ending}" for stem in stems for ending in ("png", "svg")}
    kinds = {stem.partition("_")[0] for stem in stems}
    assert kinds == {
        "final", "methods", "pareto", "scaling", "speed", "target", "tuning", "convergence",
    }  # fmt: skip


def test_old_figures_go(tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "old.png").write_bytes(b"")
    (tmp_path / "figures" / "notes.txt").write_text("mine")
    cell = key("a")
    write_outcome(tmp_path, *tables(run_rows(cell, [0.5]), [final_row(cell, 0.7)]))
    assert not (tmp_path / "figures" / "old.png").exists()
    assert (tmp_path / "figures" / "notes.txt").exists()


def test_study_without_rows_says_so(tmp_path):
    page = write_outcome(tmp_path, *tables([], [])).read_text()
    assert "No training of this study was done" in page
    assert "<figure" not in page
    assert "Figures left out" in page


def test_failed_cells_are_listed_with_their_reason(tmp_path):
    bad = {**key("b", variant="hashing"), "seed": 0, "status": "failed", "error": "out of <memory>"}
    page = write_outcome(tmp_path, *tables([bad], [])).read_text()
    assert "out of &lt;memory&gt;" in page
    assert "out of \\<memory\\>" in (tmp_path / "summary.md").read_text()

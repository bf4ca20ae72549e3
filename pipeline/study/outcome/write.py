"""Writes what people look at: figures, a page, a summary."""

from pathlib import Path

import pyarrow as pa

from components.files import write_bytes, write_text
from components.progress import report
from pipeline.study.outcome.all_plots import all_plots
from pipeline.study.outcome.page import render_page
from pipeline.study.outcome.plot import Plot, files_of
from pipeline.study.outcome.read import read_study
from pipeline.study.outcome.summary import render_summary

FIGURES, PAGE, SUMMARY = "figures", "index.html", "summary.md"


def write_outcome(folder: Path, curves: pa.Table, finals: pa.Table) -> Path:
    """Writes the outcome of a study beside its tables; an older one is replaced.

    Args:
      folder: where `figures/` (PNG and SVG), `index.html` and `summary.md` go.
      curves: a row a cell, seed and evaluation while training.
      finals: a row a cell.

    Returns:
      the page.
    """
    study = read_study(curves, finals)
    plots = list(all_plots(study))
    figures = folder / FIGURES
    figures.mkdir(parents=True, exist_ok=True)
    names = set()
    for plot in (plot for plot in plots if isinstance(plot, Plot)):
        report(f"figure {plot.name}")
        for name, content in files_of(plot).items():
            write_bytes(str(figures / name), content)
            names.add(name)
    for old in figures.iterdir():
        if old.name not in names and old.suffix in (".png", ".svg"):
            old.unlink()
    write_text(str(folder / SUMMARY), render_summary(study, plots))
    report("page")
    write_text(str(folder / PAGE), render_page(study, plots))
    return folder / PAGE

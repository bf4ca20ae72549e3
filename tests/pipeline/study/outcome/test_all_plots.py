"""Which figures are drawn, from which tables; drawing is not rendering, so this is quick."""

import pytest
from matplotlib.figure import Figure

from pipeline.study.outcome.all_plots import SECTIONS, all_plots
from pipeline.study.outcome.plot import LeftOut, Plot
from pipeline.study.outcome.read import read_study
from tests.pipeline.study.outcome.sample import final_row, key, run_rows, simulated, tables

SKIPPED = {**key("gpu", device="gpu"), "seed": 0, "status": "skipped", "error": "no GPU"}


def drawn(curves, finals):
    """Returns the figures, each drawn, and the reasons of those left out by title."""
    found = list(all_plots(read_study(curves, finals)))
    plots = [plot for plot in found if isinstance(plot, Plot)]
    for plot in plots:
        assert plot.columns > 0
        for panel in plot.panels:
            panel.draw(Figure().subplots())
    return plots, {plot.title: plot.reason for plot in found if isinstance(plot, LeftOut)}


@pytest.mark.parametrize("devices", [("cpu",), ("cpu", "gpu")])
@pytest.mark.parametrize("datasets", [("1MB", "10MB", "100MB", "full"), ("1MB",)])
def test_large_study_has_each_figure_its_data_allows(datasets, devices):
    study = simulated(
        datasets,
        variants=("full", "hashing"),
        methods_on=("full",),
        num_seeds=1,
        devices=devices,
        num_evaluations=3,
    )
    plots, left_out = drawn(*study)
    kinds = {plot.kind for plot in plots}
    if len(datasets) > 1:
        assert kinds == set(SECTIONS)
        assert left_out == {}
    else:
        assert kinds == set(SECTIONS) - {"scaling"}
        assert left_out["Scaling with train rows"] == "the study has one size of dataset"
    assert len({plot.name for plot in plots}) == len(plots)


def test_every_note_says_rows_seeds_device_and_cores():
    plots, _ = drawn(*simulated(("1MB", "10MB"), ("dlrm",), num_evaluations=3, num_seeds=2))
    for plot in plots:
        for words in ("train rows", "eval rows", "2 seeds", "device cpu", "2 cores a training"):
            assert words in plot.note, plot.name


def test_one_cell_has_its_value_and_reasons_for_the_rest():
    cell = key("a")
    plots, left_out = drawn(*tables([*run_rows(cell, [0.5, 0.4]), SKIPPED], [final_row(cell, 0.7)]))
    assert [plot.name for plot in plots] == ["final_auc_roc", "convergence_variants_1MB_cpu"]
    assert len(left_out) == 8
    assert all(left_out.values())


def test_cells_without_evaluations_and_figures_are_no_error():
    empty = {**key("a"), "seed": 0, "status": "done"}
    row = {**key("a"), "num_seeds": 1}
    plots, left_out = drawn(*tables([empty], [row]))
    assert plots == []
    assert len(left_out) == 9

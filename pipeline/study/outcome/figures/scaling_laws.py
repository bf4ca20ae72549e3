"""How loss, the gap to the baseline and training time go with the number of train rows."""

import statistics
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from pipeline.study.outcome.figures.tuning_curves import aside, error_bars
from pipeline.study.outcome.plot import LeftOut, Panel, Plot, file_name, plain_ticks
from pipeline.study.outcome.scaling import Fit, fit_log_linear, fit_power_law
from pipeline.study.outcome.study import BASELINE, Cell, Study, unique
from pipeline.study.outcome.style import MUTED, Mark, variant_marks
from pipeline.study.outcome.words import against, facts

KIND = "scaling"


class ScalingFit(NamedTuple):
    """A law of one architecture, variant and device.

    Attributes:
      architecture: of the model.
      variant: of the embeddings.
      device: that trained.
      what: `"eval logloss"` or `"training time"`.
      fit: None with fewer than three sizes.
    """

    architecture: str
    variant: str
    device: str
    what: str
    fit: Fit | None


def scaling_fits(study: Study) -> list[ScalingFit]:
    """Returns the laws of final eval logloss and of training seconds a pass, by train rows."""
    fits = []
    for architecture, variant, device in unique(_series(cell) for cell in _cells(study)):
        own = [c for c in _cells(study) if _series(c) == (architecture, variant, device)]
        for what, points_of, fitted in (
            ("eval logloss", _losses, fit_power_law),
            ("training time", _times, fit_log_linear),
        ):
            points = points_of(study, own)
            rows, values = zip(*points, strict=True) if points else ((), ())
            fit = fitted(rows, values) if points else None
            fits.append(ScalingFit(architecture, variant, device, what, fit))
    return fits


def exponent_text(fit: Fit | None) -> str:
    """Returns `-0.31 ±0.04 (power law, 5 sizes)`, or why there is none."""
    if fit is None:
        return "not fitted: fewer than 3 sizes"
    width = "" if fit.half_width is None else f" ±{fit.half_width:.2g}"
    floor = f", floor {fit.floor:.4f}" if fit.form == "power law" else ""
    return f"{fit.exponent:.3g}{width} ({fit.form}{floor}, {fit.num_points} sizes)"


def scaling_plots(study: Study) -> list[Plot | LeftOut]:
    """Returns one figure: a column an architecture."""
    cells = _cells(study)
    sizes = {cell.num_train_rows for cell in cells}
    if len(sizes) < 2:
        return [LeftOut(KIND, "Scaling with train rows", "the study has one size of dataset")]
    architectures = unique(sorted(cell.architecture for cell in cells))
    fits = scaling_fits(study)
    panels = []
    for kind in (_loss_panel, _gap_panel, _time_panel):
        for architecture in architectures:
            own = [cell for cell in cells if cell.architecture == architecture]
            panels.append(kind(study, own, fits))
    marks = variant_marks(study.variants)
    legend = [marks[variant] for variant in unique(cell.variant for cell in cells)]
    if len(sizes) > 2:
        legend.append(Mark("fitted law", MUTED, dash="--"))
    how = {
        2: "Two sizes: nothing is fitted.",
        3: "Three sizes are too few for a floor, so logloss has a straight line in logarithms; its "
        "exponent is in the table of the laws.",
    }.get(len(sizes), "Logloss: floor + a n^-b, by least squares; the table of the laws has b.")
    note = f"{how} {facts(study, cells)}."
    title = "Scaling with the number of train rows"
    columns = len(architectures)
    return [Plot(KIND, file_name(KIND), title, note, tuple(panels), columns, tuple(legend))]


def _cells(study: Study) -> list[Cell]:
    return [c for c in study.cells if c.method == BASELINE and c.num_train_rows]


def _series(cell: Cell) -> tuple[str, str, str]:
    return cell.architecture, cell.variant, cell.device


def _losses(_: Study, cells: Sequence[Cell]) -> list[tuple[float, float]]:
    return [
        (c.num_train_rows, c.metrics["logloss"].value)
        for c in cells
        if c.num_train_rows and "logloss" in c.metrics
    ]


def _times(study: Study, cells: Sequence[Cell]) -> list[tuple[float, float]]:
    points = []
    for cell in cells:
        passes = [p for run in study.runs_of(cell.cell) if (p := run.seconds_per_pass)]
        if passes and cell.num_train_rows:
            points.append((float(cell.num_train_rows), statistics.median(passes)))
    return points


def _draw_fit(axes: Axes, fit: Fit | None, rows: Sequence[float], color: str) -> None:
    if fit is not None:
        x = np.geomspace(min(rows), max(rows), 50)
        axes.plot(x, fit.at(x), "--", color=color, linewidth=1.0)


def _lines(
    study: Study, cells: Sequence[Cell], fits: Sequence[ScalingFit], what: str
) -> list[tuple[list[Cell], Mark, Fit | None]]:
    marks = variant_marks(study.variants)
    lines = []
    for key in unique(_series(cell) for cell in cells):
        own = [cell for cell in cells if _series(cell) == key]
        fit = next((f.fit for f in fits if (f[:3], f.what) == (key, what)), None)
        lines.append((own, marks[own[0].variant], fit))
    return lines


def _loss_panel(study: Study, cells: Sequence[Cell], fits: Sequence[ScalingFit]) -> Panel:
    def draw(axes: Axes) -> None:
        lines = _lines(study, cells, fits, "eval logloss")
        for i, (own, mark, fit) in enumerate(lines):
            own = [cell for cell in own if "logloss" in cell.metrics]
            rows = [float(cell.num_train_rows or 0) for cell in own]
            if rows:
                through = mark._replace(dash="" if fit else "-")
                x = aside(rows, i, len(lines))
                error_bars(axes, x, [cell.metrics["logloss"] for cell in own], through)
                _draw_fit(axes, fit, rows, mark.color)
        _finish(axes, "eval logloss, nats")

    return Panel(f"{cells[0].architecture}, eval logloss", draw)


def _gap_panel(study: Study, cells: Sequence[Cell], fits: Sequence[ScalingFit]) -> Panel:
    def draw(axes: Axes) -> None:
        axes.axhline(0.0, color=MUTED, linewidth=1.0)
        lines = _lines(study, cells, fits, "")
        for i, (own, mark, _) in enumerate(lines):
            own = [c for c in own if "auc_roc" in c.differences and study.baseline_of(c)]
            rows = [float(cell.num_train_rows or 0) for cell in own]
            if rows:
                x = aside(rows, i, len(lines))
                error_bars(axes, x, [cell.differences["auc_roc"] for cell in own], mark)
        _finish(axes, "difference of AUC ROC")

    return Panel(f"{cells[0].architecture}, difference{against(study, cells)}", draw)


def _time_panel(study: Study, cells: Sequence[Cell], fits: Sequence[ScalingFit]) -> Panel:
    def draw(axes: Axes) -> None:
        for own, mark, fit in _lines(study, cells, fits, "training time"):
            points = _times(study, own)
            if points:
                x, y = zip(*points, strict=True)
                axes.plot(x, y, mark.marker, color=mark.color, linestyle="" if fit else "-")
                _draw_fit(axes, fit, x, mark.color)
        axes.set_yscale("log")
        plain_ticks(axes.yaxis)
        _finish(axes, "training time of a pass, s")

    return Panel(f"{cells[0].architecture}, training time", draw)


def _finish(axes: Axes, y_title: str) -> None:
    axes.set_xscale("log")
    plain_ticks(axes.xaxis)
    axes.set_xlabel("train rows")
    axes.set_ylabel(y_title)

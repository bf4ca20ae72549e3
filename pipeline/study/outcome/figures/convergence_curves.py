"""Metrics while training, against epochs and seconds: train dashed, eval solid."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from pipeline.study.outcome.plot import LeftOut, Panel, Plot, file_name
from pipeline.study.outcome.study import BASELINE, Cell, Run, Study, unique
from pipeline.study.outcome.style import INK, MUTED, Mark, value_marks, variant_marks
from pipeline.study.outcome.words import axis_title, facts

KIND = "convergence"
_METRICS = ("logloss", "auc_roc")
_METHOD_METRICS = ("logloss",)
_CLOCKS = (("epoch", "epochs"), ("seconds", "training time, s"))


class Curve(NamedTuple):
    """One metric of the seeds of a cell at the evaluations that all of them have, float64 `[n]`."""

    x: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def convergence_plots(study: Study) -> list[Plot | LeftOut]:
    """Returns a figure a dataset for the variants, and one a method with its values."""
    if not any(len(_common_steps(study.runs_of(cell.cell))) > 1 for cell in study.cells):
        return [LeftOut(KIND, "Convergence", "no training was evaluated more than once")]
    plots: list[Plot | LeftOut] = []
    for dataset in study.datasets:
        for device in study.devices:
            plots += _of_variants(study, dataset, device)
            plots += _of_methods(study, dataset, device)
    return plots


def curve_of(runs: Sequence[Run], name: str, clock: str) -> Curve | None:
    """Returns the mean over the seeds with the lowest and the highest; None without values.

    Args:
      runs: the trainings of a cell.
      name: `"eval_logloss"` and the like.
      clock: `"epoch"` or `"seconds"`; where seeds differ, their median is the x.
    """
    runs = [run for run in runs if name in run.curves]
    steps = _common_steps(runs)
    if not len(steps):
        return None
    at = [np.isin(run.step, steps) for run in runs]
    values = np.stack([run.curves[name][rows] for run, rows in zip(runs, at, strict=True)])
    clocks = np.stack([getattr(run, clock)[rows] for run, rows in zip(runs, at, strict=True)])
    x = np.median(clocks, axis=0)
    known = np.isfinite(values).all(axis=0) & np.isfinite(x)
    if not known.any():
        return None
    values = values[:, known]
    return Curve(x[known], values.mean(axis=0), values.min(axis=0), values.max(axis=0))


def _common_steps(runs: Sequence[Run]) -> np.ndarray:
    steps = runs[0].step if runs else np.array([])
    for run in runs[1:]:
        steps = np.intersect1d(steps, run.step)
    return steps


def _of_variants(study: Study, dataset: str, device: str) -> list[Plot]:
    cells = [cell for cell in _cells(study, dataset, device) if cell.method == BASELINE]
    marks = variant_marks(study.variants)
    title = f"Variants while training, {dataset}, {device}"
    name = file_name(KIND, "variants", dataset, device)
    by_cell = {cell.cell: marks[cell.variant] for cell in cells}
    return _plot(study, title, name, cells, by_cell, _METRICS)


def _of_methods(study: Study, dataset: str, device: str) -> list[Plot]:
    plots = []
    cells = _cells(study, dataset, device)
    keys = unique((cell.variant, cell.method) for cell in cells if cell.method != BASELINE)
    for variant, method in keys:
        own = [cell for cell in cells if (cell.variant, cell.method) == (variant, method)]
        without = [cell for cell in cells if (cell.variant, cell.method) == (variant, BASELINE)]
        steps = value_marks(unique(cell.setting for cell in own))
        marks = {cell.cell: steps[cell.setting] for cell in own}
        marks |= {cell.cell: Mark(f"without {method}", INK) for cell in without}
        title = f"{method} of {variant} while training, {dataset}, {device}"
        name = file_name(KIND, dataset, device, variant, method)
        plots += _plot(study, title, name, [*without, *own], marks, _METHOD_METRICS)
    return plots


def _cells(study: Study, dataset: str, device: str) -> list[Cell]:
    return [c for c in study.cells if (c.dataset, c.device) == (dataset, device)]


def _plot(
    study: Study,
    title: str,
    name: str,
    cells: Sequence[Cell],
    marks: Mapping[str, Mark],
    metrics: Sequence[str],
) -> list[Plot]:
    cells = [cell for cell in cells if len(_common_steps(study.runs_of(cell.cell))) > 1]
    if not cells:
        return []
    architectures = unique(sorted(cell.architecture for cell in cells))
    metrics = [m for m in metrics if any(_has(study, cell, m) for cell in cells)]
    panels = []
    for metric in metrics:
        limits = _limits(study, cells, metric)
        for clock, clock_title in _CLOCKS:
            for architecture in architectures:
                own = [cell for cell in cells if cell.architecture == architecture]
                panels.append(
                    _panel(study, own, marks, metric, (clock, clock_title), limits, architecture)
                )
    note = (
        "Solid: eval rows. Dashed: train rows. The line is the mean over the seeds, the band "
        f"reaches from the lowest to the highest of them. {facts(study, cells)}."
    )
    legend = [*unique(marks[cell.cell] for cell in cells)]
    legend += [Mark("eval rows", MUTED), Mark("train rows", MUTED, dash="--")]
    return [Plot(KIND, name, title, note, tuple(panels), len(architectures), tuple(legend))]


def _has(study: Study, cell: Cell, metric: str) -> bool:
    return any(f"eval_{metric}" in run.curves for run in study.runs_of(cell.cell))


def _panel(
    study: Study,
    cells: Sequence[Cell],
    marks: Mapping[str, Mark],
    metric: str,
    clock: tuple[str, str],
    limits: tuple[float, float],
    architecture: str,
) -> Panel:
    def draw(axes: Axes) -> None:
        for cell in cells:
            mark = marks[cell.cell]
            for split, dash in (("train", "--"), ("eval", "-")):
                curve = curve_of(study.runs_of(cell.cell), f"{split}_{metric}", clock[0])
                if curve is None:
                    continue
                few = "" if split == "train" else mark.marker
                every = max(1, len(curve.x) // 6)
                axes.plot(
                    curve.x,
                    curve.mean,
                    dash,
                    color=mark.color,
                    marker=few,
                    markevery=every,
                    linewidth=1.0 if split == "train" else 1.6,
                )
                if split == "eval" and (curve.high > curve.low).any():
                    axes.fill_between(
                        curve.x, curve.low, curve.high, color=mark.color, alpha=0.15, linewidth=0
                    )
        axes.set_ylim(*limits)
        axes.set_xlabel(clock[1])
        axes.set_ylabel(axis_title(metric))

    by = "epochs" if clock[0] == "epoch" else "seconds"
    return Panel(f"{architecture}, {axis_title(metric).partition(',')[0]} by {by}", draw)


def _limits(study: Study, cells: Sequence[Cell], metric: str) -> tuple[float, float]:
    """Returns limits that hold all but the first, far values: 95 % of those of both splits."""
    values = np.concatenate(
        [
            run.curves[name][np.isfinite(run.curves[name])]
            for cell in cells
            for run in study.runs_of(cell.cell)
            for name in (f"train_{metric}", f"eval_{metric}")
            if name in run.curves
        ]
    )
    low, high = values.min(), values.max()
    if metric == "logloss":
        high = np.quantile(values, 0.95)
    else:
        low = np.quantile(values, 0.05)
    margin = 0.06 * (high - low) or 0.01
    return float(low - margin), float(high + margin)

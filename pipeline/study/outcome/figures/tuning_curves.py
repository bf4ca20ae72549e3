"""Quality against the values of each hyperparameter."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from pipeline.study.outcome.plot import LeftOut, Panel, Plot, file_name, plain_ticks
from pipeline.study.outcome.study import BASELINE, Cell, Interval, Study, number_of, unique
from pipeline.study.outcome.style import INK, MUTED, Mark, variant_marks
from pipeline.study.outcome.words import (
    axis_title,
    facts,
    is_better_higher,
    metric_title,
    noise_text,
)

KIND = "tuning"
_METRICS = ("auc_roc", "logloss")


def tuning_plots(study: Study) -> list[Plot | LeftOut]:
    """Returns a figure for each method with several values, dataset and device."""
    plots: list[Plot | LeftOut] = []
    for dataset in study.datasets:
        for device in study.devices:
            cells = [c for c in study.cells if (c.dataset, c.device) == (dataset, device)]
            for method in unique(cell.method for cell in cells if cell.method != BASELINE):
                own = [cell for cell in cells if cell.method == method]
                if len({cell.value for cell in own}) > 1:
                    plots.append(_plot(study, method, own))
    reason = "no method was tried with more than one value"
    return plots or [LeftOut(KIND, "Tuning", reason)]


def best_of(cells: Sequence[Cell], metric: str) -> Cell:
    """Returns the cell with the best value of a metric that all of them have."""
    sign = 1 if is_better_higher(metric) else -1
    return max(cells, key=lambda cell: sign * cell.metrics[metric].value)


def _plot(study: Study, method: str, cells: Sequence[Cell]) -> Plot:
    first = cells[0]
    variants = unique(cell.variant for cell in cells)
    architectures = unique(sorted(cell.architecture for cell in cells))
    values = unique(sorted((cell.value for cell in cells), key=lambda v: (number_of(v) or 0.0, v)))
    metrics = [m for m in _METRICS if any(m in cell.metrics for cell in cells)]
    panels = [
        _panel(study, [c for c in cells if c.architecture == a], values, metric, a)
        for metric in metrics
        for a in architectures
    ]
    marks = variant_marks(study.variants)
    legend = [marks[name] for name in variants]
    legend += [
        Mark("best value", INK, "*", ""),
        Mark("without the method", MUTED, dash="--"),
    ]
    title = f"{method}: quality by value, {first.dataset}, {first.device}"
    note = (
        f"Vertical lines: 95 % intervals over {noise_text(cells)}. Dashed: the variant without the "
        f"method. {facts(study, cells)}."
    )
    name = file_name(KIND, first.dataset, first.device, method)
    return Plot(KIND, name, title, note, tuple(panels), len(architectures), tuple(legend))


def _panel(
    study: Study, cells: Sequence[Cell], values: Sequence[str], metric: str, architecture: str
) -> Panel:
    numbers = [number for value in values if (number := number_of(value)) is not None]
    is_number = len(numbers) == len(values)
    is_log = is_number and min(numbers) > 0 and max(numbers) / min(numbers) >= 4
    marks = variant_marks(study.variants)

    def x_of(cell: Cell) -> float:
        return (number_of(cell.value) or 0.0) if is_number else values.index(cell.value)

    def draw(axes: Axes) -> None:
        variants = unique(cell.variant for cell in cells)
        for i, variant in enumerate(variants):
            own = [c for c in cells if c.variant == variant and metric in c.metrics]
            if not own:
                continue
            mark = marks[variant]
            own = sorted(own, key=x_of)
            found = [cell.metrics[metric] for cell in own]
            x = [x_of(cell) for cell in own]
            if is_log or not is_number:
                x = aside(x, i, len(variants), is_log)
            error_bars(axes, x, found, mark)
            best = best_of(own, metric)
            axes.plot(
                x[own.index(best)],
                best.metrics[metric].value,
                "*",
                color=mark.color,
                markersize=13,
                markeredgecolor=INK,
                markeredgewidth=0.6,
                zorder=4,
            )
            without = study.without_method(own[0])
            if without and metric in without.metrics:
                level = without.metrics[metric].value
                axes.axhline(level, color=mark.color, linestyle="--", linewidth=1.1)
        _finish(axes, values, numbers if is_number else None, is_log)
        axes.set_xlabel(cells[0].method if cells else "")
        axes.set_ylabel(axis_title(metric))

    return Panel(f"{architecture}, {metric_title(metric)}", draw)


def aside(x: Sequence[float], number: int, count: int, is_log: bool = True) -> list[float]:
    """Returns places a little left or right, so that `count` series do not cover each other."""
    step = number - (count - 1) / 2
    return [each * 1.035**step if is_log else each + 0.07 * step for each in x]


def error_bars(axes: Axes, x: Sequence[float], found: Sequence[Interval], mark: Mark) -> None:
    """Draws a line through values with their intervals."""
    y = np.array([interval.value for interval in found])
    ends = np.array([[i.value - i.low, i.high - i.value] for i in found]).T.clip(0)
    axes.errorbar(
        x,
        y,
        ends,
        color=mark.color,
        marker=mark.marker,
        linestyle=mark.dash or "none",
        elinewidth=1.1,
        capsize=2,
    )


def _finish(
    axes: Axes, values: Sequence[str], numbers: Sequence[float] | None, is_log: bool
) -> None:
    if numbers is None:
        axes.set_xticks(range(len(values)), values)
        axes.set_xlim(-0.5, len(values) - 0.5)
        return
    if is_log:
        axes.set_xscale("log")
        plain_ticks(axes.xaxis)
    if len(numbers) <= 6:
        axes.set_xticks(numbers, values)
        axes.minorticks_off()

"""Training time until a target quality."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from pipeline.study.outcome.figures.final_quality import group_title
from pipeline.study.outcome.plot import LeftOut, Panel, Plot, file_name
from pipeline.study.outcome.study import Cell, Study
from pipeline.study.outcome.style import INK, MUTED, Mark, variant_marks
from pipeline.study.outcome.target import TOLERANCE, TimeToTarget, target_logloss, time_to_target
from pipeline.study.outcome.words import facts, seconds_text

KIND = "target"


def target_plots(study: Study) -> list[Plot | LeftOut]:
    """Returns a figure a dataset: seconds to the target of each variant and method."""
    plots: list[Plot | LeftOut] = []
    for dataset in study.datasets:
        panels, shown = [], []
        for group in study.groups:
            cells = [c for c in study.cells if c.group == group and group.dataset == dataset]
            compared = [cell for cell in cells if study.baseline_of(cell)]
            target = target_logloss(study, study.root_of(compared[0])) if compared else None
            if target is None:
                continue
            found = [(cell, time_to_target(study, cell, target)) for cell in cells]
            found = [(cell, time) for cell, time in found if time.num_seeds]
            if len(found) > 1:
                title = f"{group_title(study, group)}: eval logloss at most {target:.4f}"
                panels.append(_panel(study, title, found))
                shown += [cell for cell, _ in found]
        if panels:
            plots.append(_plot(study, dataset, panels, shown))
    reason = "there is one cell a dataset, or no evaluation while training"
    return plots or [LeftOut(KIND, "Time to target quality", reason)]


def _plot(study: Study, dataset: str, panels: Sequence[Panel], cells: Sequence[Cell]) -> Plot:
    note = (
        f"Target: the last eval logloss of the baseline (highest of its seeds) + {TOLERANCE} nats. "
        "The first evaluation at or below it counts; median over the seeds, of which all must "
        f"reach it. {facts(study, cells)}."
    )
    title = f"Training time to the target quality, {dataset}"
    name = file_name(KIND, dataset)
    return Plot(KIND, name, title, note, tuple(panels), min(2, len(panels)))


def _panel(study: Study, title: str, found: Sequence[tuple[Cell, TimeToTarget]]) -> Panel:
    marks = variant_marks(study.variants)

    def draw(axes: Axes) -> None:
        longest = max((time.seconds or 0.0 for _, time in found), default=0.0) or 1.0
        for y, (cell, time) in enumerate(found):
            mark = marks[cell.variant]
            if time.seconds is None:
                text = f"reached by {time.num_reached} of {time.num_seeds} seeds"
                axes.text(0.01 * longest, y, text, va="center", fontsize=8, color=MUTED)
                continue
            _bar(axes, y, time.seconds, mark)
            text = seconds_text(time.seconds)
            axes.annotate(
                text,
                (time.seconds, y),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
                color=INK,
            )
        axes.set_yticks(range(len(found)), [_name(cell) for cell, _ in found])
        axes.set_ylim(len(found) - 0.4, -0.6)
        axes.set_xlim(0, 1.25 * longest)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("training time, s")

    return Panel(title, draw, 0.85 + 0.24 * len(found))


def _bar(axes: Axes, y: float, length: float, mark: Mark) -> None:
    axes.barh(y, length, 0.55, color=mark.color, linewidth=0)


def _name(cell: Cell) -> str:
    return cell.variant if cell.setting == "baseline" else f"{cell.variant}, {cell.setting}"

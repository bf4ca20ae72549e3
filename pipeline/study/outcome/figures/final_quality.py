"""What the variants reach at the end, and what they lose to the baseline."""

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes

from pipeline.study.outcome.plot import LeftOut, Panel, Plot, file_name
from pipeline.study.outcome.study import Cell, Interval, Study
from pipeline.study.outcome.style import INK, MUTED, PAGE, Mark, variant_marks
from pipeline.study.outcome.words import (
    against,
    axis_title,
    difference_text,
    facts,
    metric_title,
    minus,
    noise_text,
)

KIND = "final"


def final_plots(study: Study) -> list[Plot | LeftOut]:
    """Returns two figures of small multiples, a panel a dataset and architecture each."""
    groups = [(group, study.variants_of(group)) for group in study.groups]
    groups = [(g, cells) for g, cells in groups if any("auc_roc" in c.metrics for c in cells)]
    if not groups:
        return [LeftOut(KIND, "Final performance", "no cell was evaluated")]
    marks = variant_marks(study.variants)
    cells = [cell for _, own in groups for cell in own]
    columns = 1 if len(groups) == 1 else 2
    titles = [group_title(study, group) for group, _ in groups]
    values = [
        Panel(title, _values(own, marks), _height(own))
        for title, (_, own) in zip(titles, groups, strict=True)
    ]
    note = (
        f"AUC ROC on the eval rows with 95 % intervals over {noise_text(cells)}. "
        f"{facts(study, cells)}."
    )
    if any(cell.best_auc_roc for cell in cells):
        note = "Dotted: the best that any model can reach on this generated log. " + note
    title = "Final performance of the variants"
    plots: list[Plot | LeftOut] = [
        Plot(KIND, file_name(KIND, "auc_roc"), title, note, tuple(values), columns)
    ]
    compared = [
        (title, [cell for cell in own if "auc_roc" in cell.differences and study.baseline_of(cell)])
        for title, (_, own) in zip(titles, groups, strict=True)
    ]
    compared = [(f"{title}{against(study, own)}", own) for title, own in compared if own]
    title = "Difference of the variants to the baseline"
    if not compared:
        plots.append(LeftOut(KIND, title, "there is one variant, or no paired difference"))
        return plots
    panels = [
        Panel(
            title,
            forest(study, [(cell.variant, cell) for cell in own]),
            _height(own),
        )
        for title, own in compared
    ]
    note = (
        "AUC ROC, variant minus baseline on the same rows (paired), with 95 % intervals. Filled: "
        f"clear, as said above. {facts(study, [c for _, own in compared for c in own])}."
    )
    name = file_name(KIND, "auc_roc", "difference")
    plots.append(Plot(KIND, name, title, note, tuple(panels), columns))
    return plots


def group_title(study: Study, group: tuple[str, str, str]) -> str:
    """Returns `10MB, dlrm`, with the device where there are several."""
    dataset, architecture, device = group
    parts = [dataset, architecture] + ([device] if len(study.devices) > 1 else [])
    return ", ".join(parts)


def forest(study: Study, rows: Sequence[tuple[str, Cell]]) -> Callable[[Axes], None]:
    """Returns what draws the differences of cells with intervals, a row each, the first on top."""
    marks = variant_marks(study.variants)

    def draw(axes: Axes) -> None:
        axes.axvline(0.0, color=MUTED, linewidth=1.0)
        for y, (_, cell) in enumerate(rows):
            found = cell.differences["auc_roc"]
            _row(axes, y, found, marks[cell.variant], is_filled=study.is_clear(cell))
            text = minus(difference_text(found).partition(" ")[0])
            axes.annotate(
                text,
                (found.value, y),
                (0, 6.5),
                textcoords="offset points",
                ha="center",
                fontsize=8,
                color=INK,
                bbox={"facecolor": PAGE, "edgecolor": "none", "pad": 0.6},
            )
        _rows(axes, [name for name, _ in rows])
        axes.set_xlabel(f"difference of {metric_title('auc_roc')}")

    return draw


def _values(cells: Sequence[Cell], marks: dict[str, Mark]) -> Callable[[Axes], None]:
    def draw(axes: Axes) -> None:
        for y, cell in enumerate(cells):
            if "auc_roc" in cell.metrics:
                _row(axes, y, cell.metrics["auc_roc"], marks[cell.variant], is_filled=True)
        best = next((cell.best_auc_roc for cell in cells if cell.best_auc_roc), None)
        if best:
            axes.axvline(best, color=MUTED, linestyle=":")
        _rows(axes, [cell.variant for cell in cells])
        axes.set_xlabel(axis_title("auc_roc"))

    return draw


def _row(axes: Axes, y: float, found: Interval, mark: Mark, is_filled: bool) -> None:
    axes.plot([found.low, found.high], [y, y], color=mark.color, linewidth=1.5)
    face = mark.color if is_filled else PAGE
    axes.plot(found.value, y, mark.marker or "o", color=mark.color, markerfacecolor=face)


def _rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.8)
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.12)
    axes.locator_params(axis="x", nbins=3)


def _height(cells: Sequence[Cell]) -> float:
    return 0.85 + 0.3 * len(cells)

"""Quality against the bytes of the tables."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from components.evaluator.numbers import bytes_text
from pipeline.study.outcome.figures.final_quality import group_title
from pipeline.study.outcome.figures.tuning_curves import error_bars
from pipeline.study.outcome.plot import LeftOut, Panel, Plot, file_name, plain_ticks
from pipeline.study.outcome.study import Cell, Study, unique
from pipeline.study.outcome.style import MUTED, Mark, variant_marks
from pipeline.study.outcome.words import axis_title, facts, noise_text

KIND = "pareto"


def pareto_plots(study: Study) -> list[Plot | LeftOut]:
    """Returns one figure: a panel a dataset and architecture."""
    panels, shown = [], []
    for group in study.groups:
        cells = [
            c for c in study.variants_of(group) if c.embedding_bytes and "auc_roc" in c.metrics
        ]
        if len({cell.embedding_bytes for cell in cells}) > 1:
            panels.append(_panel(study, group_title(study, group), cells))
            shown += cells
    title = "Quality against bytes of the embeddings"
    if not panels:
        return [LeftOut(KIND, title, "no dataset has variants of different bytes")]
    marks = variant_marks(study.variants)
    legend = [marks[variant]._replace(dash="") for variant in unique(c.variant for c in shown)]
    legend.append(Mark("Pareto front: nothing is both smaller and better", MUTED))
    note = f"Vertical lines: 95 % intervals over {noise_text(shown)}. {facts(study, shown)}."
    columns = min(2, len(panels))
    return [Plot(KIND, file_name(KIND), title, note, tuple(panels), columns, tuple(legend))]


def pareto_front(cells: Sequence[Cell]) -> list[Cell]:
    """Returns the cells for which no other has fewer bytes and a higher auc_roc, fewest first."""
    front: list[Cell] = []
    ordered = sorted(cells, key=lambda c: (c.embedding_bytes or 0.0, -c.metrics["auc_roc"].value))
    for cell in ordered:
        if not front or cell.metrics["auc_roc"].value > front[-1].metrics["auc_roc"].value:
            front.append(cell)
    return front


def _panel(study: Study, title: str, cells: Sequence[Cell]) -> Panel:
    marks = variant_marks(study.variants)

    def draw(axes: Axes) -> None:
        front = pareto_front(cells)
        x = [cell.embedding_bytes or 0.0 for cell in front]
        y = [cell.metrics["auc_roc"].value for cell in front]
        axes.step(x, y, where="post", color=MUTED, linewidth=1.0)
        for cell in cells:
            mark = marks[cell.variant]._replace(dash="")
            error_bars(axes, [cell.embedding_bytes or 0.0], [cell.metrics["auc_roc"]], mark)
        axes.set_xscale("log")
        plain_ticks(axes.xaxis, bytes_text)
        axes.set_xlabel("embeddings as served")
        axes.set_ylabel(axis_title("auc_roc"))

    return Panel(title, draw)

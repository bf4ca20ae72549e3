"""What each method changes against the same training without it."""

from pipeline.study.outcome.figures.final_quality import forest, group_title
from pipeline.study.outcome.plot import LeftOut, Panel, Plot, file_name
from pipeline.study.outcome.study import Study
from pipeline.study.outcome.words import facts

KIND = "methods"
_MOST_ROWS = 40


def method_plots(study: Study) -> list[Plot | LeftOut]:
    """Returns a forest plot a dataset and device; a panel an architecture and variant."""
    plots: list[Plot | LeftOut] = []
    for dataset in study.datasets:
        panels, shown = [], []
        for group in study.groups:
            if group.dataset != dataset:
                continue
            cells = [c for c in study.methods_of(group) if study.shows_method(c)]
            cells = [cell for cell in cells if "auc_roc" in cell.differences]
            for variant in study.variants:
                own = [cell for cell in cells if cell.variant == variant][:_MOST_ROWS]
                if own:
                    rows = [(cell.setting, cell) for cell in own]
                    title = f"{group_title(study, group)}, {variant}"
                    panels.append(Panel(title, forest(study, rows), 0.85 + 0.3 * len(own)))
                    shown += own
        if not panels:
            continue
        note = (
            "AUC ROC, with the method minus without it on the same rows (paired), with 95 % "
            f"intervals. Filled: clear, as said above. {facts(study, shown)}."
        )
        title = f"Effect of the methods, {dataset}"
        columns = min(2, len(panels))
        plots.append(Plot(KIND, file_name(KIND, dataset), title, note, tuple(panels), columns))
    reason = "no cell with a method is compared with the same cell without it"
    return plots or [LeftOut(KIND, "Effect of the methods", reason)]

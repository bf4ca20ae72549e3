"""The outcome of a study as Markdown, for a paper or a pull request."""

from collections.abc import Sequence

from components.evaluator.report.markdown import escaped
from pipeline.study.outcome.findings import findings, status_facts
from pipeline.study.outcome.outcome_tables import Table, outcome_tables
from pipeline.study.outcome.plot import LeftOut, Plot
from pipeline.study.outcome.study import Study


def render_summary(study: Study, plots: Sequence[Plot | LeftOut]) -> str:
    """Returns what was found, the tables, and the figures by name."""
    found = findings(study)
    parts = [
        f"## {escaped(found.headline)}",
        escaped(" · ".join(status_facts(study))),
        "\n".join(f"- {escaped(sentence)}" for sentence in found.sentences),
        escaped(found.caveat),
    ]
    for table in outcome_tables(study):
        parts += [f"### {escaped(table.title)}", _table(table), escaped(table.note)]
    drawn = [
        f"- [{escaped(plot.title)}](figures/{plot.name}.png): {escaped(plot.note)}"
        for plot in plots
        if isinstance(plot, Plot)
    ]
    left_out = [
        f"- {escaped(plot.title)}: {escaped(plot.reason)}."
        for plot in plots
        if isinstance(plot, LeftOut)
    ]
    if drawn:
        parts += ["### Figures", "\n".join(drawn)]
    if left_out:
        parts += ["### Figures left out", "\n".join(left_out)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(table: Table) -> str:
    marks = ["---" if i < table.num_names else "---:" for i in range(len(table.head))]
    lines = [[escaped(text) for text in table.head], marks]
    for number, row in enumerate(table.rows):
        bold = number in table.clear_rows
        lines.append(
            [
                f"**{escaped(text)}**" if bold and i >= table.num_names else escaped(text)
                for i, text in enumerate(row)
            ]
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

"""The comparison as Markdown, for a pull request."""

import re

from components.evaluator.comparison import Comparison, VariantResult
from components.evaluator.report.columns import Cell, columns
from components.evaluator.report.findings import (
    caveats,
    constraint_text,
    facts,
    pareto_finding,
    worst_slice,
)
from components.evaluator.report.preflight import preflight_markdown

# An underscore inside a word is only an underscore.
_SPECIAL = re.compile(r"[\\`*{}\[\]<>#|~$@]|(?<!\w)_|_(?!\w)")


def render_markdown(comparison: Comparison) -> str:
    """Returns the choice, the table, each verdict, and where quality is lost."""
    parts = [
        f"## {escaped(comparison.reason)}",
        escaped(" · ".join(facts(comparison))),
        _table(comparison),
        escaped(
            f"Bold: the difference to {comparison.baseline} is more than chance, all variants "
            f"considered (Holm). {caveats(comparison)}"
        ),
        "### Why",
        "\n".join(_verdict(result) for result in comparison.variants),
        escaped(pareto_finding(comparison)),
    ]
    losses = [(result.name, worst_slice(result)) for result in comparison.variants]
    lines = [f"- **{escaped(name)}**: {escaped(text)}" for name, text in losses if text]
    if lines:
        parts += ["### Where each variant loses most", "\n".join(lines)]
    parts += preflight_markdown(comparison, escaped)
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Returns text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", " ".join(text.split()))


def _table(comparison: Comparison) -> str:
    shown = [column for column in columns(comparison) if not column.is_extra]
    lines = [
        " | ".join(["variant", *(escaped(column.head) for column in shown)]),
        " | ".join(["---", *("---:" for _ in shown)]),
    ]
    for result in comparison.variants:
        name = f"**{escaped(result.name)}** ✓" if result.is_blessed else escaped(result.name)
        lines.append(" | ".join([name, *(_cell(column.cell(result)) for column in shown)]))
    return "\n".join(f"| {line} |" for line in lines)


def _cell(cell: Cell) -> str:
    text, note = escaped(cell.text), escaped(cell.note)
    if note:
        return f"{text} ({f'**{note}**' if cell.is_clear else note})"
    return f"**{text}**" if cell.is_clear else text


def _verdict(result: VariantResult) -> str:
    lines = [f"- **{escaped(result.name)}**: {escaped(result.verdict)}"]
    lines += [
        f"  - {escaped(constraint_text(constraint))}"
        for constraint in result.constraints
        if not constraint.is_met
    ]
    return "\n".join(lines)

"""The comparison as one self-contained HTML page."""

from html import escape
from pathlib import Path
from string import Template

from components.evaluator.columns import COLUMNS, row_cells
from components.evaluator.comparison import Comparison, VariantResult
from components.evaluator.plot import auc_against_bytes_svg

_TEMPLATE = Path(__file__).with_name("report.html")


def render_report(comparison: Comparison) -> str:
    """Returns the page: the choice and why, the table, the plot. It loads nothing from outside."""
    header = "".join(
        f'<th scope="col">{escape(name)}<br>{escape(unit)}</th>' for name, unit in COLUMNS
    )
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=escape(f"Variant comparison: ship {comparison.chosen}"),
        reason=escape(comparison.reason),
        facts=escape(_facts(comparison)),
        header=header,
        rows="\n".join(_row(comparison, result) for result in comparison.variants),
        plot=auc_against_bytes_svg(comparison),
        max_auc_loss=f"{comparison.max_auc_loss:g}",
        baseline=escape(comparison.baseline),
    )


def _facts(comparison: Comparison) -> str:
    facts = [
        f"{len(comparison.variants)} variants compared on {comparison.num_eval_rows:,} eval rows",
        f"click rate {comparison.click_rate:.4f}",
    ]
    if comparison.best_auc_roc is not None:
        facts.append(f"best achievable auc_roc {comparison.best_auc_roc:.4f}")
    if comparison.best_logloss is not None:
        facts.append(f"best achievable logloss {comparison.best_logloss:.4f}")
    return " · ".join(facts)


def _row(comparison: Comparison, result: VariantResult) -> str:
    chosen = result.name == comparison.chosen
    name, *numbers = (escape(cell) for cell in row_cells(comparison, result))
    mark = '<span class="mark">chosen</span>' if chosen else ""
    cells = "".join(f"<td>{cell}</td>" for cell in numbers)
    opening = '<tr class="chosen">' if chosen else "<tr>"
    return f'{opening}<th scope="row">{name}{mark}</th>{cells}</tr>'

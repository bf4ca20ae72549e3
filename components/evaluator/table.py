"""The comparison as plain text for a terminal."""

from components.evaluator.columns import COLUMNS, row_cells
from components.evaluator.comparison import Comparison

_CHOSEN = "* "
_NOT_CHOSEN = "  "


def render_table(comparison: Comparison) -> str:
    """Returns the aligned table; the chosen variant's row starts with `*`."""
    head = list(zip(*COLUMNS, strict=True))
    rows = [*head, *(row_cells(comparison, result) for result in comparison.variants)]
    marks = [_NOT_CHOSEN] * len(head)
    for result in comparison.variants:
        marks.append(_CHOSEN if result.name == comparison.chosen else _NOT_CHOSEN)
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = [
        mark + _aligned(cells, widths).rstrip() for mark, cells in zip(marks, rows, strict=True)
    ]
    lines.insert(len(head), _NOT_CHOSEN + "  ".join("-" * width for width in widths))
    facts = f"{comparison.num_eval_rows:,} eval rows, click rate {comparison.click_rate:.4f}"
    if comparison.best_auc_roc is not None:
        facts += f", best achievable auc_roc {comparison.best_auc_roc:.4f}"
    if comparison.best_logloss is not None:
        facts += f", best achievable logloss {comparison.best_logloss:.4f}"
    return "\n".join([*lines, "", f"{_CHOSEN}{comparison.reason}", f"{_NOT_CHOSEN}{facts}", ""])


def _aligned(cells: tuple[str, ...], widths: list[int]) -> str:
    name, *numbers = cells
    aligned = [name.ljust(widths[0])]
    aligned += [cell.rjust(width) for cell, width in zip(numbers, widths[1:], strict=True)]
    return "  ".join(aligned)

"""The comparison as plain text for a terminal."""

import textwrap

from components.evaluator.comparison import Comparison
from components.evaluator.numbers import MISSING
from components.evaluator.report.columns import columns
from components.evaluator.report.findings import caveats, facts

WIDTH = 120
_CHOSEN = "* "
_NOT_CHOSEN = "  "
_HEADS = {
    "auc_roc": ("auc_roc", ""),
    "auc_roc:difference": ("against", "baseline"),
    "auc_roc:p_value": ("adjusted", "p"),
    "logloss": ("logloss", ""),
    "embedding_bytes": ("embeddings", ""),
    "embedding_bytes:ratio": ("smaller", "by"),
    "train_examples_per_second": ("training", "speed"),
}
_LATENCY = "latency_p99_batch"
# Left out, from the front, until the rest fits into the width.
_LEAST_NEEDED = ("logloss", "train_examples_per_second", "auc_roc:p_value", _LATENCY)
_SHORTEST_NAME = 12


def render_table(comparison: Comparison) -> str:
    """Returns the aligned table; the chosen variant's row starts with `*`.

    No line is longer than 120 characters: columns that matter less are left out and long names are
    shortened where there is no room.
    """
    heads, rows = _cells(comparison)
    widths = _fitting_widths(heads, rows)
    table = [*zip(*heads.values(), strict=True), *rows.values()]
    names = ["variant", "", *rows]
    marks = [_NOT_CHOSEN] * 2
    marks += [_CHOSEN if name == comparison.chosen else _NOT_CHOSEN for name in rows]
    order = list(heads)
    lines = []
    for mark, name, cells in zip(marks, names, table, strict=True):
        shown = [_shortened(name, widths["variant"]).ljust(widths["variant"])]
        shown += [
            cell.rjust(widths[column])
            for column, cell in zip(order, cells, strict=True)
            if column in widths
        ]
        lines.append((mark + "  ".join(shown)).rstrip())
    lines.insert(2, _NOT_CHOSEN + "  ".join("-" * width for width in widths.values()))
    return "\n".join([*lines, "", *_notes(comparison), ""])


def _cells(
    comparison: Comparison,
) -> tuple[dict[str, tuple[str, str]], dict[str, tuple[str, ...]]]:
    """Returns column -> the two lines of its head, and variant -> its cells."""
    shown = [column for column in columns(comparison) if not column.is_extra]
    heads = {}
    for column in shown:
        head = _HEADS.get(column.name)
        if head is None and column.name.startswith(_LATENCY):
            head = ("p99, batch", column.name.removeprefix(_LATENCY))
        heads[column.name] = head or (column.name, "")
    rows = {
        result.name: tuple(_plain(column.cell(result).text) for column in shown)
        for result in comparison.variants
    }
    return heads, rows


def _plain(text: str) -> str:
    """Returns a cell in ASCII: not every terminal shows more."""
    return text.replace(" ±", " +-").replace(MISSING, "-")


def _fitting_widths(
    heads: dict[str, tuple[str, str]], rows: dict[str, tuple[str, ...]]
) -> dict[str, int]:
    """Returns column -> characters, of the name and of the columns that fit."""
    widths = {"variant": max(len(name) for name in ("variant", *rows))}
    for number, (column, head) in enumerate(heads.items()):
        widths[column] = max(map(len, (*head, *(cells[number] for cells in rows.values()))))
    for least in _LEAST_NEEDED:
        if _line_length(widths) <= WIDTH:
            break
        for column in [name for name in widths if name.startswith(least)]:
            if column == least or least == _LATENCY:
                del widths[column]
    excess = _line_length(widths) - WIDTH
    widths["variant"] = max(_SHORTEST_NAME, widths["variant"] - max(0, excess))
    return widths


def _line_length(widths: dict[str, int]) -> int:
    return len(_CHOSEN) + sum(widths.values()) + 2 * (len(widths) - 1)


def _shortened(name: str, width: int) -> str:
    return name if len(name) <= width else f"{name[: width - 3]}..."


def _notes(comparison: Comparison) -> list[str]:
    mark = _CHOSEN if comparison.chosen else _NOT_CHOSEN
    lines = textwrap.wrap(
        comparison.reason, WIDTH, initial_indent=mark, subsequent_indent=_NOT_CHOSEN
    )
    for note in (", ".join(facts(comparison)) + ".", caveats(comparison)):
        lines += textwrap.wrap(
            note, WIDTH, initial_indent=_NOT_CHOSEN, subsequent_indent=_NOT_CHOSEN
        )
    return lines

"""The parts of the page that say what was measured and chosen, as HTML."""

import re
from html import escape

from components.evaluator.comparison import Comparison, VariantResult
from components.evaluator.measures import COSTS, find_measure
from components.evaluator.numbers import (
    interval_text,
    measured_text,
    p_value_text,
    percent,
    rows_text,
    signed,
    size_change,
)
from components.evaluator.report.columns import Cell, Column, columns
from components.evaluator.report.findings import constraint_text, is_clear, max_auc_loss
from components.quantities import bytes_text


def key_figures(comparison: Comparison) -> str:
    """Returns three or four cards: of the chosen variant, or of what was closest to qualify."""
    if comparison.chosen is None:
        cards = _figures_of_none(comparison)
    else:
        cards = _figures_of(comparison, comparison.variant(comparison.chosen))
    return "".join(
        f'<div class="figure"><dt>{escape(title)}</dt><dd>{escape(_minus(number))}'
        f"<small>{escape(_minus(note))}</small></dd></div>"
        for title, number, note in cards
    )


def _figures_of(comparison: Comparison, chosen: VariantResult) -> list[tuple[str, str, str]]:
    baseline = comparison.variant(comparison.baseline)
    cards = []
    theirs, ours = (result.costs.get("embedding_bytes") for result in (baseline, chosen))
    if theirs and ours and chosen.name == baseline.name:
        cards.append((COSTS["embedding_bytes"].title, bytes_text(ours), "the baseline"))
    elif theirs is not None and ours is not None:
        cards.append(_size_figure(ours, theirs))
    auc_roc = chosen.metrics.get("auc_roc")
    if auc_roc and auc_roc.difference:
        clear = "" if is_clear(comparison, chosen, "auc_roc") else "not "
        note = (
            f"{interval_text(auc_roc.difference)} with {percent(comparison.confidence)}; "
            f"{clear}more than chance (adjusted p {p_value_text(auc_roc.adjusted_p_value)})"
        )
        title = f"AUC ROC against {baseline.name}"
        cards.append((title, signed(auc_roc.difference.value, 4), note))
    latency = min(
        (cost for cost in chosen.costs if cost.startswith("latency_p99_batch")),
        key=lambda cost: int(cost.rpartition("batch")[2]),
        default=None,
    )
    for cost in (latency, "train_examples_per_second"):
        measure = find_measure(cost) if cost else None
        if measure and cost in chosen.costs:
            reference = measured_text(measure, baseline.costs.get(measure.name))
            note = (
                f"{baseline.name}: {reference}" if chosen.name != baseline.name else "the baseline"
            )
            cards.append((measure.title, measured_text(measure, chosen.costs[measure.name]), note))
    return cards


def _size_figure(ours: float, theirs: float) -> tuple[str, str, str]:
    texts = f"{bytes_text(theirs)} → {bytes_text(ours)}"
    change = size_change(ours, theirs)
    if change:
        ratio, word = change
        return f"{word} embeddings", ratio, texts
    if not ours:
        return "no embedding table", bytes_text(ours), texts
    if theirs:
        return "embeddings of about the same size", bytes_text(ours), texts
    return COSTS["embedding_bytes"].title, bytes_text(ours), texts


def _figures_of_none(comparison: Comparison) -> list[tuple[str, str, str]]:
    others = [
        (result, result.metrics["auc_roc"].difference)
        for result in comparison.variants
        if result.metrics and result.metrics["auc_roc"].difference
    ]
    limit = max_auc_loss(comparison)
    cards = [
        ("variants that keep all constraints", "0", f"of {len(comparison.variants)}"),
    ]
    if limit is not None:
        cards.append(("allowed loss of AUC ROC", f"{limit:g}", f"against {comparison.baseline}"))
    if others:
        nearest, change = max(others, key=lambda pair: pair[1].low if pair[1] else 0.0)
        if change:
            note = f"AUC ROC against {comparison.baseline}; {interval_text(change)}"
            cards.append((f"nearest: {nearest.name}", signed(change.value, 4), note))
    rows = [rows for rows in map(_deciding_rows, comparison.variants) if rows is not None]
    if rows:
        cards.append(("more eval rows", rows_text(min(rows)), "about as many would decide for one"))
    return cards


def _deciding_rows(result: VariantResult) -> int | None:
    """Returns how many more eval rows would decide all that a variant misses; None if none can."""
    missed = [constraint.more_rows for constraint in result.constraints if not constraint.is_met]
    needed = [rows for rows in missed if rows is not None]
    return max(needed) if needed and len(needed) == len(missed) else None


def variant_table(comparison: Comparison) -> str:
    """Returns the sortable table; columns of the class `extra` are shown on request."""
    shown = columns(comparison)
    head = "".join(_head(column) for column in shown)
    rows = "\n".join(_row(comparison, shown, result) for result in comparison.variants)
    return (
        f'<thead><tr><th scope="col" aria-sort="none">{_sort_button("variant")}</th>{head}'
        f"</tr></thead>\n<tbody>\n{rows}\n</tbody>"
    )


def _head(column: Column) -> str:
    extra = ' class="extra"' if column.is_extra else ""
    return f'<th scope="col" aria-sort="none"{extra}>{_sort_button(column.head)}</th>'


def _sort_button(text: str) -> str:
    return f'<button type="button">{escape(text)}</button>'


def _row(comparison: Comparison, shown: tuple[Column, ...], result: VariantResult) -> str:
    marks = ""
    if result.is_blessed:
        marks += '<span class="mark">chosen</span>'
    if result.name == comparison.baseline:
        marks += '<span class="mark plain">baseline</span>'
    cells = "".join(_cell(column, column.cell(result)) for column in shown)
    opening = '<tr class="chosen">' if result.is_blessed else "<tr>"
    name = name_html(result.name)
    head = f'<th scope="row" data-order="{escape(result.name)}">{name}{marks}</th>'
    return f"{opening}{head}{cells}</tr>"


def _cell(column: Column, cell: Cell) -> str:
    classes = [
        name for name, holds in (("extra", column.is_extra), ("clear", cell.is_clear)) if holds
    ]
    opening = f'<td class="{" ".join(classes)}"' if classes else "<td"
    order = "" if cell.order is None else f"{cell.order:.10g}"
    note = f"<small>{escape(_minus(cell.note))}</small>" if cell.note else ""
    return f'{opening} data-order="{order}">{escape(_minus(cell.text))}{note}</td>'


def _minus(text: str) -> str:
    """Returns a number with the minus sign that is as wide as a plus."""
    return re.sub(r"(?<!\w)-(?=\d)", "−", text)


def name_html(name: str) -> str:
    """Returns a variant's name that a narrow screen may break after an underscore."""
    return escape(name).replace("_", "_<wbr>")


def verdicts(comparison: Comparison) -> str:
    """Returns for each variant why it was chosen or not, and which constraints it keeps."""
    items = []
    for result in comparison.variants:
        mark = '<span class="mark">chosen</span>' if result.is_blessed else ""
        lines = "".join(
            f'<li class="{"met" if constraint.is_met else "failed"}">'
            f"<span>{'kept' if constraint.is_met else 'not kept'}</span> "
            f"{escape(_minus(constraint_text(constraint)))}</li>"
            for constraint in result.constraints
        )
        constraints = f"<ul>{lines}</ul>" if lines else ""
        items.append(
            f"<li><h3>{escape(result.name)}{mark}</h3><p>{escape(result.verdict)}</p>"
            f"{constraints}</li>"
        )
    return "\n".join(items)

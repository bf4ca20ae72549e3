"""A comparison of two runs for people."""

import json
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.evaluator.measures import COSTS, METRICS
from components.evaluator.numbers import (
    digits,
    fixed,
    interval_text,
    measured_text,
    p_value_text,
    percent,
    signed,
)
from pipeline.compare.result import A, B, Change, MetricPair, RunComparison, Side
from pipeline.lineage.text import local_time, table

_WIDTH = 110
_MAX_CHANGES = 40
_MAX_VALUE = 40
_ABSENT = "-"
_INTERVALS = "the intervals tell what other rows of this kind could change, not another seed"


def comparison_text(result: RunComparison) -> str:
    """Returns the whole comparison: what changed, what was measured, the answer."""
    runs = table(
        ("run", "started", "chosen", "model", "root"), [_side(A, result.a), _side(B, result.b)]
    )
    parts = [
        runs,
        _changes("configuration", result.config_changes),
        _changes("code", result.code_changes),
        _changes("data", result.data_changes),
        _rows(result),
        _metrics(result),
        _costs(result),
        _wrapped(result.sentence),
    ]
    return "\n\n".join(parts)


def _side(name: str, side: Side) -> tuple[Any, ...]:
    return (name, local_time(side.started), side.variant, side.model_id, Path(side.root))


def _changes(what: str, changes: Sequence[Change]) -> str:
    if not changes:
        return f"no change of {what}"
    rows = [(change.field, _value(change.a), _value(change.b)) for change in changes]
    shown = table((f"changed {what}", A, B), rows[:_MAX_CHANGES])
    more = len(rows) - _MAX_CHANGES
    return f"{shown}\n... and {more} more (--json lists all)" if more > 0 else shown


def _value(value: Any) -> str:
    """Returns a short text: strings as they are, other values as JSON."""
    if value is None:
        return _ABSENT
    if isinstance(value, float):
        return f"{value:.6g}"
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= _MAX_VALUE else f"{text[: _MAX_VALUE - 3]}..."


def _rows(result: RunComparison) -> str:
    rows = result.rows
    lines = [
        f"rows: {rows.source}, {rows.num_rows:,} rows, {rows.num_clicks:,} clicks "
        f"({rows.num_clicks / rows.num_rows:.2%})"
    ]
    if rows.weight_column is not None:
        lines.append(
            f"rows are weighted by the log's column {rows.weight_column}: metrics count a row as "
            "often as it says"
        )
    if rows.num_rejected:
        lines.append(f"{rows.num_rejected:,} lines of the log are no rows and were left out")
    return "\n".join([*lines, *(_wrapped(f"warning: {text}") for text in result.warnings)])


def _wrapped(text: str) -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent="  ", break_long_words=False)


def _metrics(result: RunComparison) -> str:
    rows = [_metric(name, pair) for name, pair in result.metrics.items()]
    heads = ("metric", A, B, f"{B} - {A}", f"{percent(result.confidence)} interval", "p")
    return f"{table(heads, rows)}\n{_INTERVALS}"


def _metric(name: str, pair: MetricPair) -> tuple[str, ...]:
    difference = pair.difference
    places = digits(difference)
    return (
        METRICS[name].title,
        fixed(pair.a.value, places),
        fixed(pair.b.estimate.value, places),
        signed(difference.value, places),
        interval_text(difference),
        p_value_text(pair.b.p_value),
    )


def _costs(result: RunComparison) -> str:
    rows = [
        (
            COSTS[name].title,
            measured_text(COSTS[name], pair.a),
            measured_text(COSTS[name], pair.b),
            f"{pair.b / pair.a:.2f}x" if pair.a and pair.b is not None else _ABSENT,
        )
        for name, pair in result.costs.items()
    ]
    return table(("size", A, B, f"{B} / {A}"), rows)

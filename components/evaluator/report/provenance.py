"""The parts of the page that say where the comparison comes from, and how to read it, as HTML."""

import json
from collections.abc import Iterable
from html import escape
from typing import Any

from components.evaluator.comparison import Comparison, DataFacts
from components.evaluator.numbers import MISSING, percent
from components.evaluator.report.findings import (
    max_auc_loss,
    objective_measure,
    seeds_note,
    source_note,
)
from components.evaluator.report.fragments import name_html
from schemas.click_log import SPLITS
from schemas.spans import SpanCounts

_ABSENT = object()
_SHOWN_SPANS = 10  # more are shown on request


def data_facts(comparison: Comparison) -> str:
    """Returns what the rows are: how many, how many clicks, which days, how many ids."""
    data = comparison.data
    sizes = sorted(data.vocabulary_sizes.items(), key=lambda item: -item[1])
    facts = _definitions(
        (
            ("train rows", f"{data.num_train_rows:,}"),
            ("eval rows", f"{data.num_eval_rows:,}"),
            ("clicks in them", f"{data.num_eval_clicks:,} ({100 * data.click_rate:.2f} %)"),
            *([("weights of the rows", data.weight_column)] if data.weight_column else []),
            ("numeric columns", str(data.num_dense_features)),
            ("categorical columns", str(len(sizes))),
            ("ids in all", f"{sum(data.vocabulary_sizes.values()):,}"),
            ("fingerprint of the raw files", data.fingerprint or MISSING),
        )
    )
    ids = _definitions((feature, f"{size:,}") for feature, size in sizes)
    note = source_note(comparison)
    return (
        f"{f'<p>{escape(note)}</p>' if note else ''}{facts}{_spans(data)}"
        f"<details><summary>Ids of each column</summary>{ids}</details>"
    )


def _spans(data: DataFacts) -> str:
    """Returns the table of the spans; nothing if there are none."""
    if not data.spans:
        return ""
    heads = ["span", *(f"{split} rows, clicks" for split in SPLITS)]
    rows = (
        (escape(span.name), *(_rows_and_clicks(span, split) for split in SPLITS))
        for span in data.spans
    )
    table = _table(heads, rows, "Rows and clicks of each span")
    if len(data.spans) <= _SHOWN_SPANS:
        return table
    return f"<details><summary>Rows of each span</summary>{table}</details>"


def _rows_and_clicks(span: SpanCounts, split: str) -> str:
    rows, clicks = span.num_rows[split], span.num_clicks[split]
    return f"{rows:,}, {clicks:,} ({100 * clicks / rows:.2f} %)" if rows else MISSING


def configs(comparison: Comparison) -> str:
    """Returns how the trainers' configurations differ, then what they share, then our own."""
    flat = {result.name: dict(_flat(result.config)) for result in comparison.variants}
    keys = dict.fromkeys(key for config in flat.values() for key in config if key != "variant")
    different = [
        key
        for key in keys
        if len({_json(config.get(key, _ABSENT)) for config in flat.values()}) > 1
    ]
    rows = (
        (name_html(name), *(escape(_json(config.get(key, _ABSENT))) for key in different))
        for name, config in flat.items()
    )
    parts = ["<p>The trainers' configurations do not differ.</p>"]
    if different:
        heads = ("variant", *map(escape, different))
        parts = [_table(heads, rows, "Where the trainers' configurations differ")]
    first = next(iter(flat.values()))
    same = [(key, _json(first[key])) for key in keys if key not in different]
    for title, values in (
        ("The same for all variants", same),
        ("The comparing step", [(key, _json(value)) for key, value in comparison.config.items()]),
    ):
        if values:
            parts.append(f"<details><summary>{title}</summary>{_definitions(values)}</details>")
    return "".join(parts)


def lineage(comparison: Comparison) -> str:
    """Returns the run, the artifacts by their ids in ML Metadata, and the machine."""
    found = comparison.lineage
    facts = [("run", found.run_id or MISSING)]
    if found.commit:
        changes = ", with local changes" if found.has_local_changes else ""
        facts.append(("commit", f"{found.commit}{changes}"))
    facts += found.environment.items()
    if not found.artifact_ids:
        return _definitions(facts)
    ids = _definitions(
        (name, ", ".join(map(str, numbers))) for name, numbers in found.artifact_ids.items()
    )
    return f"{_definitions(facts)}<details><summary>Artifacts by id</summary>{ids}</details>"


def reading(comparison: Comparison) -> str:
    """Returns in plain words what the numbers mean."""
    confidence = percent(comparison.confidence)
    baseline = comparison.baseline
    texts = (
        (
            "Intervals",
            f"0.7966 ±0.0009 means: other eval rows from the same source would have given another "
            f"number, and an interval made this way holds the true one in {confidence} of the "
            f"cases. It comes from {comparison.num_resamples:,} resamples of the eval rows "
            "(Poisson bootstrap); those of the slices from formulas (DeLong, delta method).",
        ),
        (
            "Differences are paired",
            f"All variants predict the same rows, so hard rows are hard for each of them. A "
            f"difference to {baseline} is therefore known much better than the two numbers by "
            "themselves: their intervals may overlap and the difference still be real.",
        ),
        (
            "Many variants",
            "Who compares twenty variants finds one that differs by chance. The adjusted p says "
            "how often chance alone gives such a difference to any of the variants (Holm's "
            f"correction). Below {1 - comparison.confidence:.2g} it is bold. The slices are not "
            f"corrected: about {percent(1 - comparison.confidence)} of them are marked by chance "
            "alone.",
        ),
        ("Seeds", seeds_note(comparison)),
        ("The choice", _choice(comparison)),
        (
            "The metrics",
            "logloss is the mean binary cross entropy in nats. Normalized entropy is logloss by "
            "the entropy of the click rate: 1 is no better than always predicting the click rate. "
            "Calibration is the mean prediction by the mean label: 1 is best. Accuracy, precision, "
            f"recall and F1 count predictions from {comparison.threshold:g} on as clicks. Sizes "
            "are in MB of 1,000,000 bytes. Latency was measured on the exported models, one call "
            "after the other, the variants in turn. The interval of a p99 tells how other calls on "
            "this machine would have changed it; calls at one moment are alike, so it is a lower "
            "bound of the uncertainty.",
        ),
    )
    return "".join(f"<dt>{escape(title)}</dt><dd>{escape(text)}</dd>" for title, text in texts)


def _choice(comparison: Comparison) -> str:
    limit, confidence = max_auc_loss(comparison), percent(comparison.confidence)
    text = ""
    if limit is not None:
        text = (
            f"A variant qualifies if its loss of auc_roc is at most {limit:g} with {confidence} "
            "confidence: not its estimate but the worse end of a one-sided interval is held "
            "against the limit. "
        )
    return text + (
        "Among the variants that keep all constraints, the best by "
        f"{objective_measure(comparison).title} is chosen. With more eval rows the intervals get "
        "narrower, and more variants can show that they qualify."
    )


def _flat(config: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Yields dotted keys; a method's options stay together, for each method has its own."""
    for key, value in config.items():
        if isinstance(value, dict) and value and key != "options":
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _json(value: Any) -> str:
    if isinstance(value, str):
        return value
    return MISSING if value is _ABSENT else json.dumps(value, ensure_ascii=False)


def _definitions(facts: Iterable[tuple[str, str]]) -> str:
    """Returns names and values side by side; both are escaped here."""
    items = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts
    )
    return f'<dl class="facts">{items}</dl>'


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]], label: str) -> str:
    """Returns a table of cells that are HTML already, which scrolls by itself."""
    head = "".join(f'<th scope="col">{cell}</th>' for cell in heads)
    body = []
    for name, *cells in rows:
        texts = "".join(f"<td>{cell}</td>" for cell in cells)
        body.append(f'<tr><th scope="row">{name}</th>{texts}</tr>')
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )

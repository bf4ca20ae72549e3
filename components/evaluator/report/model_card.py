"""The model card of the chosen model (Mitchell et al. 2019, https://arxiv.org/abs/1810.03993)."""

from typing import Any

from components.evaluator.comparison import Comparison, VariantResult
from components.evaluator.measures import COSTS
from components.evaluator.metric_result import MetricResult
from components.evaluator.numbers import (
    MISSING,
    difference_text,
    fixed,
    half_width,
    measured_text,
    percent,
    size_change,
    value_text,
)
from components.evaluator.report.findings import (
    caveats,
    constraint_text,
    source_note,
    worst_slice,
)
from components.evaluator.report.markdown import escaped

SCHEMA_VERSION = "0.0.2"


def model_card(comparison: Comparison) -> dict[str, Any]:
    """Returns the card with the fields of the Model Card Toolkit, schema version 0.0.2.

    Args:
      comparison: one with a chosen variant.

    Returns:
      JSON values: `model_details`, `model_parameters`, `quantitative_analysis`, `considerations`.

    Raises:
      ValueError: if no variant was chosen.
    """
    if comparison.chosen is None:
        raise ValueError("expected a comparison with a chosen variant; received one without")
    chosen = comparison.variant(comparison.chosen)
    return {
        "schema_version": SCHEMA_VERSION,
        "model_details": _details(comparison, chosen),
        "model_parameters": _parameters(comparison, chosen),
        "quantitative_analysis": {"performance_metrics": _metrics(chosen)},
        "considerations": _considerations(comparison, chosen),
    }


def model_card_markdown(comparison: Comparison) -> str:
    """Returns the same card to read.

    Raises:
      ValueError: if no variant was chosen.
    """
    card = model_card(comparison)
    details, parameters = card["model_details"], card["model_parameters"]
    considerations = card["considerations"]
    parts = [
        f"# Model card: {escaped(details['name'])}",
        escaped(details["overview"]),
        escaped(details["documentation"]),
        f"Version {escaped(details['version']['name'])}." if "version" in details else "",
        "## Model",
        escaped(parameters["model_architecture"]),
        f"Input: {escaped(parameters['input_format'])}",
        f"Output: {escaped(parameters['output_format'])}",
        "## Data",
        *(f"**{escaped(d['name'])}**: {escaped(d['description'])}" for d in parameters["data"]),
        "## Quality",
        _metrics_markdown(card["quantitative_analysis"]["performance_metrics"]),
    ]
    for key in ("users", "use_cases", "limitations", "tradeoffs"):
        parts.append(f"## {key.replace('_', ' ').capitalize()}")
        parts.append("\n".join(f"- {escaped(item['description'])}" for item in considerations[key]))
    risks = "\n".join(
        f"- {escaped(risk['name'])} {escaped(risk['mitigation_strategy'])}"
        for risk in considerations["ethical_considerations"]
    )
    parts += ["## Ethical considerations", risks]
    return "\n\n".join(part for part in parts if part) + "\n"


def _details(comparison: Comparison, chosen: VariantResult) -> dict[str, Any]:
    data = comparison.data
    texts = [comparison.reason, chosen.verdict]
    texts += [f"{constraint_text(constraint)}." for constraint in chosen.constraints]
    details: dict[str, Any] = {
        "name": chosen.name,
        "overview": (
            f"A click-through model (DLRM) with the embeddings of variant {chosen.name}, chosen "
            f"among {len(comparison.variants)} variants on {data.num_eval_rows:,} eval rows."
        ),
        "documentation": " ".join(text for text in texts if text),
    }
    if comparison.lineage.run_id:
        details["version"] = {"name": comparison.lineage.run_id}
    return details


def _parameters(comparison: Comparison, chosen: VariantResult) -> dict[str, Any]:
    data = comparison.data
    embedding = chosen.config.get("embedding", {})
    sizes = "; ".join(
        f"{COSTS[name].title}: {measured_text(COSTS[name], chosen.costs[name])}"
        for name in ("num_parameters", "embedding_bytes", "serving_bytes")
        if name in chosen.costs
    )
    details = [
        f"Spans: {', '.join(span.name for span in data.spans)}." if data.spans else "",
        f"Fingerprint of the raw files: {data.fingerprint}." if data.fingerprint else "",
        source_note(comparison),
    ]
    return {
        "model_architecture": (
            f"DLRM; embedding method {embedding.get('method', chosen.name)}, embedding_dim "
            f"{chosen.config.get('embedding_dim', 'unknown')}, interaction "
            f"{chosen.config.get('interaction', 'dot')}. {sizes}."
        ),
        "data": [
            {
                "name": "train split",
                "description": " ".join(
                    [f"{data.num_train_rows:,} rows of click logs.", *filter(None, details)]
                ),
            },
            {
                "name": "eval split",
                "description": (
                    f"{data.num_eval_rows:,} rows, {data.num_eval_clicks:,} clicks (click rate "
                    f"{data.click_rate:.4f})."
                ),
            },
        ],
        "input_format": (
            f"{data.num_dense_features} numeric and {len(data.vocabulary_sizes)} categorical raw "
            "columns, as serialized tf.Examples or as named tensors."
        ),
        "output_format": "The probability of a click, a float32 number a row.",
    }


def _metrics(chosen: VariantResult) -> list[dict[str, Any]]:
    found = [_metric(name, result) for name, result in chosen.metrics.items()]
    for part in chosen.slices:
        name = f"{part.key} = {part.value}"
        found += [
            {**_metric(metric, result), "slice": name} for metric, result in part.metrics.items()
        ]
    return found


def _metric(name: str, result: MetricResult) -> dict[str, Any]:
    """Returns a metric; without an interval where it has none, as where no click is predicted."""
    estimate = result.estimate
    metric: dict[str, Any] = {"type": name, "value": estimate.value}
    if half_width(estimate):
        ends = {"lower_bound": estimate.low, "upper_bound": estimate.high}
        metric["confidence_interval"] = ends
    return metric


def _considerations(comparison: Comparison, chosen: VariantResult) -> dict[str, Any]:
    worst = worst_slice(chosen)
    limitations = [
        "Measured on one split of one log: on other days, places or products it may do worse.",
        caveats(comparison),
    ]
    if worst:
        limitations.append(f"Against {comparison.baseline} it loses most where {worst}.")
    tradeoffs = [f"It is the baseline {chosen.name} itself."]
    auc_roc = chosen.metrics.get("auc_roc")
    if auc_roc and auc_roc.difference:
        tradeoffs = [
            f"{_size_text(comparison, chosen)}, for a difference in auc_roc of "
            f"{difference_text(auc_roc.difference)} ({percent(comparison.confidence)} "
            f"interval; its own is {value_text(auc_roc.estimate)})."
        ]
    return {
        "users": [{"description": "Teams that rank or price by the probability of a click."}],
        "use_cases": [
            {"description": "Scoring rows of the same columns as the log it was trained on."}
        ],
        "limitations": [{"description": text} for text in limitations],
        "tradeoffs": [{"description": text} for text in tradeoffs],
        "ethical_considerations": [
            {
                "name": "Rare ids may be served worse than frequent ones.",
                "mitigation_strategy": (
                    "The metrics above are also given by how frequent each column's ids are in the "
                    "train split; look at them before it serves people."
                ),
            }
        ],
    }


def _size_text(comparison: Comparison, chosen: VariantResult) -> str:
    baseline = comparison.variant(comparison.baseline)
    theirs, ours = (result.costs.get("embedding_bytes") for result in (baseline, chosen))
    change = size_change(ours, theirs)
    if change:
        ratio, word = change
        return f"Embeddings {ratio} {word} than those of {comparison.baseline}"
    if ours is None or theirs is None:
        return "Embeddings of a size that was not compared"
    if not ours:
        return "No embedding table"
    if theirs:
        return f"Embeddings of about the same size as those of {comparison.baseline}"
    return f"Embeddings where {comparison.baseline} has none"


def _metrics_markdown(metrics: list[dict[str, Any]]) -> str:
    """Returns the metrics on all rows as a table; the slices are in the JSON."""
    lines = ["| metric | value | low | high |", "| --- | ---: | ---: | ---: |"]
    for metric in metrics:
        if "slice" not in metric:
            ends = metric.get("confidence_interval", {}).values()
            cells = [escaped(metric["type"]), fixed(metric["value"], 4)]
            cells += [fixed(end, 4) for end in ends] or [MISSING, MISSING]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)

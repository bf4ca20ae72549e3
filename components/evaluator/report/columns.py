"""The columns of the comparison: the page, Markdown and the terminal show the same cells."""

from collections.abc import Callable
from typing import NamedTuple

from components.evaluator.comparison import Comparison, VariantResult
from components.evaluator.measures import COSTS, METRICS, Measure, find_measure
from components.evaluator.numbers import (
    MISSING,
    difference_text,
    measured_text,
    p_value_text,
    range_text,
    size_change,
    value_text,
)
from components.evaluator.report.findings import cost_measure, is_clear, num_seeds


class Cell(NamedTuple):
    """One number of one variant.

    Attributes:
      text: as it is shown.
      order: what it is sorted by; None sorts last.
      note: a second, smaller line.
      is_clear: whether the difference to the baseline is more than chance.
    """

    text: str
    order: float | None
    note: str = ""
    is_clear: bool = False


class Column(NamedTuple):
    """A column of the table.

    Attributes:
      name: as in `comparison.json`, with `:difference`, `:p_value`, `:ratio` or an error.
      head: its title.
      is_extra: whether it is only shown on request.
      cell: what a variant has there.
    """

    name: str
    head: str
    is_extra: bool
    cell: Callable[[VariantResult], Cell]


def columns(comparison: Comparison) -> tuple[Column, ...]:
    """Returns the columns after the variant's name: first those that matter most."""
    shown = [
        Column("auc_roc", METRICS["auc_roc"].title, False, _value(comparison, "auc_roc")),
        Column(
            "auc_roc:difference", f"against {comparison.baseline}", False, _difference(comparison)
        ),
        Column("auc_roc:p_value", "adjusted p", False, _p_value),
        _metric_column(comparison, "logloss", False),
    ]
    costs = dict.fromkeys([cost_measure(comparison).name, "embedding_bytes"])
    shown += [_cost_column(comparison, name, False) for name in costs]
    shown.append(Column("embedding_bytes:ratio", "smaller by", False, _ratio(comparison)))
    known = _known_costs(comparison)
    first_latency = [name for name in known if name.startswith("latency_p99_batch")][:1]
    for name in (*first_latency, "train_examples_per_second"):
        if name in known and name not in costs:
            costs[name] = None
            shown.append(_cost_column(comparison, name, False))
    shown += [
        _metric_column(comparison, name, True)
        for name in METRICS
        if name not in ("auc_roc", "logloss")
    ]
    if num_seeds(comparison) > 1:
        shown.append(Column("auc_roc:sampling_error", "error by rows", True, _error(False)))
        shown.append(Column("auc_roc:seed_error", "error by seeds", True, _error(True)))
    shown += [_cost_column(comparison, name, True) for name in known if name not in costs]
    return tuple(shown)


def _known_costs(comparison: Comparison) -> list[str]:
    """Returns the costs that any variant has, in the order of `measures`, batch sizes rising."""
    found = dict.fromkeys(name for result in comparison.variants for name in result.costs)
    return [*(name for name in COSTS if name in found), *(n for n in found if n not in COSTS)]


def _value(comparison: Comparison, metric: str) -> Callable[[VariantResult], Cell]:
    def cell(result: VariantResult) -> Cell:
        if result.diverged:
            return Cell("diverged", None)
        found = result.metrics.get(metric)
        return Cell(value_text(found.estimate), found.estimate.value) if found else _EMPTY

    return cell


def _difference(comparison: Comparison) -> Callable[[VariantResult], Cell]:
    def cell(result: VariantResult) -> Cell:
        found = result.metrics.get("auc_roc")
        if found is None or found.difference is None:
            return _EMPTY
        clear = is_clear(comparison, result, "auc_roc")
        return Cell(difference_text(found.difference), found.difference.value, is_clear=clear)

    return cell


def _p_value(result: VariantResult) -> Cell:
    found = result.metrics.get("auc_roc")
    p_value = found.adjusted_p_value if found else None
    return Cell(p_value_text(p_value), p_value)


def _metric_column(comparison: Comparison, metric: str, is_extra: bool) -> Column:
    """Returns a metric with the difference to the baseline as the second line."""

    def cell(result: VariantResult) -> Cell:
        found = result.metrics.get(metric)
        if found is None:
            return _EMPTY
        note = difference_text(found.difference) if found.difference else ""
        clear = is_clear(comparison, result, metric)
        return Cell(value_text(found.estimate), found.estimate.value, note, clear)

    return Column(metric, METRICS[metric].title, is_extra, cell)


def _cost_column(comparison: Comparison, name: str, is_extra: bool) -> Column:
    measure = find_measure(name) or Measure(name, name, "", "lower")

    def cell(result: VariantResult) -> Cell:
        value = result.measure(name)
        return Cell(measured_text(measure, value), value, _p99_interval(result, name))

    return Column(name, measure.title, is_extra, cell)


def _p99_interval(result: VariantResult, cost: str) -> str:
    """Returns the interval of a 99th percentile; nothing for other costs."""
    for latency in result.latency:
        if cost == f"latency_p99_batch{latency.batch_size}":
            return range_text(latency.p99_low_ms, latency.p99_high_ms, "ms")
    return ""


def _error(is_of_seeds: bool) -> Callable[[VariantResult], Cell]:
    """Returns a part of the standard error of auc_roc's difference (of auc_roc: baseline)."""

    def cell(result: VariantResult) -> Cell:
        found = result.metrics.get("auc_roc")
        if found is None:
            return _EMPTY
        error = found.seed_error if is_of_seeds else found.sampling_error
        return _EMPTY if error is None else Cell(f"{error:.2g}", error)

    return cell


def _ratio(comparison: Comparison) -> Callable[[VariantResult], Cell]:
    full = comparison.variant(comparison.baseline).costs.get("embedding_bytes")

    def cell(result: VariantResult) -> Cell:
        size = result.costs.get("embedding_bytes")
        ratio, word = size_change(size, full) or ("1.0x", "")
        text = f"{ratio} larger" if word == "larger" else ratio
        return Cell(text, full / size) if full and size else _EMPTY

    return cell


_EMPTY = Cell(MISSING, None)

"""The tables under the figures, as heads and rows of text."""

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from components.evaluator.numbers import MISSING, bytes_text, p_value_text, significant
from pipeline.study.outcome.convergence import Convergence, convergence
from pipeline.study.outcome.figures.scaling_laws import exponent_text, scaling_fits
from pipeline.study.outcome.findings import failures
from pipeline.study.outcome.study import METRICS, Cell, Study
from pipeline.study.outcome.words import (
    difference_text,
    interval_text,
    metric_title,
    minus,
    seconds_text,
)


class Table(NamedTuple):
    """A table of text.

    Attributes:
      name: an id.
      title: for people.
      note: below it.
      head: column titles.
      rows: cells of text.
      clear_rows: indices of rows with a difference whose interval does not hold 0.
      num_names: leading columns that are names, not numbers.
    """

    name: str
    title: str
    note: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    clear_rows: frozenset[int] = frozenset()
    num_names: int = 4


_NAMES = ("dataset", "architecture", "variant", "method")


def outcome_tables(study: Study) -> list[Table]:
    """Returns the tables that have rows, in the order of the page."""
    tables = (_finals(study), _convergence(study), _laws(study), _failures(study))
    return [table for table in tables if table.rows]


def _names(study: Study, cell: Cell) -> tuple[str, ...]:
    device = f" ({cell.device})" if len(study.devices) > 1 else ""
    return cell.dataset, f"{cell.architecture}{device}", cell.variant, cell.setting


def _finals(study: Study) -> Table:
    metrics = [m for m in METRICS if any(m in cell.metrics for cell in study.cells)]
    compared = [m for m in ("auc_roc", "logloss") if m in metrics]
    rows = []
    for cell in study.cells:
        baseline = study.baseline_of(cell)
        differences = [
            difference_text(cell.differences.get(m)) if baseline else MISSING for m in compared
        ]
        rows.append(
            (
                *_names(study, cell),
                str(cell.num_seeds),
                *(interval_text(cell.metrics.get(m)) for m in compared),
                *differences,
                f"{baseline.architecture}, {baseline.variant}" if baseline else MISSING,
                p_value_text(cell.p_values.get("auc_roc") if baseline else None),
                *(_number(cell.metrics.get(m)) for m in metrics if m not in compared),
                bytes_text(cell.embedding_bytes) if cell.embedding_bytes else MISSING,
                seconds_text(cell.train_seconds),
                _rate(cell.train_examples_per_second),
            )
        )
    head = (
        *_NAMES,
        "seeds",
        *(metric_title(m) for m in compared),
        *(f"{metric_title(m)} against baseline" for m in compared),
        "baseline",
        "p",
        *(metric_title(m) for m in metrics if m not in compared),
        "embeddings",
        "training",
        "examples/s",
    )
    clear = frozenset(i for i, cell in enumerate(study.cells) if study.is_clear(cell))
    note = (
        "In brackets the 95 % interval. Bold: the difference in AUC ROC is clear, as said above; "
        "p is of no difference in AUC ROC. Time and speed are medians over the seeds."
    )
    return Table("finals", "All cells", note, head, _minus(rows), clear)


def _number(found: Sequence[float] | None) -> str:
    return MISSING if found is None else f"{found[0]:.4f}"


def _rate(value: float | None) -> str:
    return MISSING if value is None else f"{value:,.0f}"


def _convergence(study: Study) -> Table:
    rows = []
    for cell in study.cells:
        found = [convergence(run) for run in study.runs_of(cell.cell)]
        found = [each for each in found if each.verdict != "unknown"]
        if found:
            rows.append((*_names(study, cell), *_convergence_cells(found)))
    note = (
        "A training has converged at its first evaluation whose eval logloss is within 0.001 nats "
        "of the lowest that it reaches. Overfitted: the last evaluation is above the lowest by "
        "more than that. Still improving: only the last evaluation is within it. Medians over the "
        "seeds; the gap is eval minus train logloss at the last evaluation."
    )
    head = (*_NAMES, "verdict", "epochs", "seconds", "lowest logloss", "last logloss", "gap")
    return Table(
        "convergence", "Epochs and seconds to converge", note, head, _minus(rows), num_names=5
    )


def _convergence_cells(found: Sequence[Convergence]) -> tuple[str, ...]:
    words = {"underfitted": "still improving"}
    counts = {v: sum(each.verdict == v for each in found) for v in ("overfitted", "underfitted")}
    parts = [
        words.get(verdict, verdict) + (f" ({n} of {len(found)} seeds)" if len(found) > 1 else "")
        for verdict, n in counts.items()
        if n
    ]
    numbers = (
        _median([each.epochs for each in found]),
        _median([each.seconds for each in found]),
    )
    losses = (_median([getattr(each, name) for each in found]) for name in ("best", "last", "gap"))
    return (
        ", ".join(parts) or "converged",
        *(MISSING if value is None else significant(value) for value in numbers),
        *(MISSING if value is None else f"{value:.4f}" for value in losses),
    )


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _laws(study: Study) -> Table:
    fits = scaling_fits(study)
    if all(found.fit is None for found in fits):
        fits = []
    rows = [
        (
            f.architecture,
            f"{f.variant}" + (f" ({f.device})" if len(study.devices) > 1 else ""),
            f.what,
            exponent_text(f.fit),
        )
        for f in fits
    ]
    note = (
        "Exponent of the number of train rows with its 95 % interval by Student's distribution, "
        "one point a dataset. Power law: floor + a n^b; log-linear: a n^b, which is all that "
        "three sizes can tell. Training time is that of one pass: an exponent of 1 is "
        "proportional."
    )
    head = ("architecture", "variant", "of", "exponent")
    return Table("laws", "Laws of scaling", note, head, _minus(rows), num_names=4)


def _failures(study: Study) -> Table:
    rows = [
        (
            run.dataset,
            run.architecture,
            run.variant,
            run.setting,
            str(run.seed),
            run.device,
            run.status,
            " ".join(reason.split()),
        )
        for run, reason in failures(study)
    ]
    head = (*_NAMES, "seed", "device", "status", "reason")
    return Table("failures", "Failed and skipped", "", head, tuple(rows), num_names=8)


def _minus(rows: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(minus(text) for text in row) for row in rows)

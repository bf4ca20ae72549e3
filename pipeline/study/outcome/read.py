"""Reads the two tables of a study."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.study.outcome.study import (
    BASELINE,
    METRICS,
    Cell,
    Interval,
    Key,
    Run,
    Study,
    number_of,
)


def read_study(curves: pa.Table, finals: pa.Table) -> Study:
    """Returns the study that the two tables hold.

    Args:
      curves: a row a cell, seed and evaluation while training.
      finals: a row a cell.
    """
    cells = [_cell(row) for row in finals.to_pylist() if row["num_seeds"]]
    rows: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in curves.to_pylist():
        rows.setdefault((row["cell"], row["seed"]), []).append(row)
    runs = [_run(group) for group in rows.values()]
    sizes: dict[str, int] = {}
    for key in (*cells, *runs):  # a method may drop rows: the largest is the dataset's
        sizes[key.dataset] = max(sizes.get(key.dataset, 0), key.num_train_rows or 0)

    def order(key: Key) -> tuple[Any, ...]:
        is_method = key.method != BASELINE
        names = (key.architecture, key.device, key.variant, is_method, key.method)
        number = number_of(key.value)
        return (sizes[key.dataset], key.dataset, *names, number is None, number or 0.0, key.value)

    return Study(tuple(sorted(cells, key=order)), tuple(sorted(runs, key=order)))


def _cell(row: Mapping[str, Any]) -> Cell:
    metrics = {m: _interval(row, m) for m in METRICS}
    differences = {m: _interval(row, f"{m}_difference") for m in METRICS}
    return Cell(
        **_fields(Key, row),
        baseline=row["baseline"],
        num_seeds=row["num_seeds"],
        metrics={name: found for name, found in metrics.items() if found},
        differences={name: found for name, found in differences.items() if found},
        p_values={m: row[f"{m}_p"] for m in METRICS if row[f"{m}_p"] is not None},
        embedding_bytes=row["embedding_bytes"],
        train_seconds=row["train_seconds"],
        train_examples_per_second=row["train_examples_per_second"],
        best_auc_roc=row["best_auc_roc"],
    )


def _interval(row: Mapping[str, Any], name: str) -> Interval | None:
    value, low, high = row[name], row[f"{name}_low"], row[f"{name}_high"]
    if value is None or not np.isfinite(value):
        return None
    if low is None or high is None:  # no interval was made: nothing can be claimed
        return Interval(value, -np.inf, np.inf) if "_difference" in name else Interval(*[value] * 3)
    if name in METRICS:  # with few seeds an interval may reach beyond what a metric can be
        return Interval(value, max(low, 0.0), high if name == "logloss" else min(high, 1.0))
    return Interval(value, low, high)


def _run(rows: Sequence[Mapping[str, Any]]) -> Run:
    first = rows[0]
    evaluated = sorted((row for row in rows if row["step"] is not None), key=lambda r: r["step"])
    arrays = {
        name: np.array([_float(row[name]) for row in evaluated], np.float64)
        for name in ("step", "epoch", "seconds")
    }
    names = [f"{split}_{metric}" for split in ("train", "eval") for metric in METRICS]
    values = {
        name: np.array([_float(row[name]) for row in evaluated], np.float64) for name in names
    }
    return Run(
        **{**_fields(Run, first, without=(*arrays, "curves")), **arrays},
        curves={name: found for name, found in values.items() if np.isfinite(found).any()},
    )


def _fields(kind: type, row: Mapping[str, Any], without: Sequence[str] = ()) -> dict[str, Any]:
    return {field.name: row[field.name] for field in fields(kind) if field.name not in without}


def _float(value: float | None) -> float:
    return np.nan if value is None else float(value)

"""Tables of a study that never ran: smooth made-up curves with noise from a fixed seed."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

METRICS = ("logloss", "auc_roc", "accuracy", "precision", "recall", "f1")
_TEXT = ("cell", "dataset", "architecture", "variant", "method", "value", "device")
_LOSS = {"full": 0.0, "hashing": 0.006, "quotient_remainder": 0.001, "unified_int4": 0.0005}
_BYTES = {"full": 4e6, "hashing": 1e6, "quotient_remainder": 9e5, "unified_int4": 3e5}
ROWS = {"1MB": 3_200, "10MB": 32_000, "100MB": 320_000, "full": 3_200_000}
_METHODS = {
    "batch_size": ("128", "512", "2048"),
    "dropout": ("0.1", "0.3", "0.5"),
    "reset_tables": ("true",),
}
# Change of logloss, and how many times the training takes.
_EFFECTS = {"128": (0.001, 3.0), "2048": (0.004, 0.4), "0.1": (-0.002, 1.0), "0.5": (0.003, 1.0)}
_EFFECTS["true"] = (-0.006, 1.1)


def curves_schema() -> pa.Schema:
    """Returns the columns of `curves`."""
    text = [(name, pa.string()) for name in (*_TEXT, "status", "error", "baseline")]
    whole = ("dataset_bytes", "num_train_rows", "num_eval_rows", "seed", "step", "parallel_cells")
    numbers = ["epoch", "seconds"]
    numbers += [f"{split}_{metric}" for split in ("train", "eval") for metric in METRICS]
    numbers += ["batch_size", "dense_learning_rate", "embedding_learning_rate", "epochs"]
    numbers += ["embedding_bytes", "num_parameters", "train_seconds", "train_examples_per_second"]
    numbers += ["num_cores"]
    fields = text[:-1] + [(n, pa.int64()) for n in whole] + [(n, pa.float64()) for n in numbers]
    return pa.schema([*fields, ("is_last", pa.bool_())])


def finals_schema() -> pa.Schema:
    """Returns the columns of `finals`."""
    fields = [(name, pa.string()) for name in (*_TEXT, "baseline")]
    fields += [(n, pa.int64()) for n in ("dataset_bytes", "num_train_rows", "num_seeds")]
    for metric in METRICS:
        ends = ("", "_low", "_high")
        names = [f"{metric}{part}{end}" for part in ("", "_difference") for end in ends]
        fields += [(name, pa.float64()) for name in (*names, f"{metric}_p")]
    facts = ("embedding_bytes", "train_seconds", "train_examples_per_second", "best_auc_roc")
    return pa.schema(fields + [(name, pa.float64()) for name in facts])


def tables(
    curves: Sequence[Mapping[str, Any]], finals: Sequence[Mapping[str, Any]]
) -> tuple[pa.Table, pa.Table]:
    """Returns the two tables of some rows; what a row does not have is null."""
    return _table(curves, curves_schema()), _table(finals, finals_schema())


def _table(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    columns = {name: [row.get(name) for row in rows] for name in schema.names}
    return pa.table(columns, schema=schema)


def key(cell: str, **others: Any) -> dict[str, Any]:
    """Returns what both tables say of a cell, with defaults."""
    first = {"dataset": "1MB", "dataset_bytes": 10**6, "num_train_rows": 3200, "value": ""}
    second = {"architecture": "dlrm", "variant": "full", "method": "baseline", "device": "cpu"}
    return {"cell": cell, **first, **second, **others}


def run_rows(
    cell: Mapping[str, Any], losses: Sequence[float], seed: int = 0, **others: Any
) -> list[dict[str, Any]]:
    """Returns the rows of one training: an evaluation each 10 steps, half an epoch, 2 seconds."""
    facts = {"status": "done", "epochs": len(losses) / 2, "num_cores": 2.0, "parallel_cells": 1}
    facts |= {"train_seconds": 2.0 * len(losses), "num_eval_rows": 800, "batch_size": 256.0}
    return [
        {
            **cell,
            **facts,
            "seed": seed,
            "step": 10 * i,
            "epoch": i / 2,
            "seconds": 2.0 * i,
            "eval_logloss": loss,
            "is_last": i == len(losses),
            **others,
        }
        for i, loss in enumerate(losses, start=1)
    ]


def final_row(
    cell: Mapping[str, Any],
    auc_roc: float,
    difference: Sequence[float] | None = None,
    **others: Any,
) -> dict[str, Any]:
    """Returns a row of `finals`; `difference` is a value with the ends of its interval."""
    row = {**cell, "num_seeds": 1, "auc_roc": auc_roc, "logloss": 1.0 - auc_roc}
    for metric in ("auc_roc", "logloss"):
        row |= {f"{metric}_low": row[metric] - 0.004, f"{metric}_high": row[metric] + 0.004}
    ends = ("", "_low", "_high")
    if difference:
        row |= {f"auc_roc_difference{e}": d for e, d in zip(ends, difference, strict=True)}
    return {**row, **others}


def simulated(
    datasets: Sequence[str] = ("1MB", "10MB", "full"),
    architectures: Sequence[str] = ("dlrm", "dcnv2"),
    variants: Sequence[str] = tuple(_LOSS),
    methods: Sequence[str] = ("batch_size", "dropout", "reset_tables"),
    methods_on: Sequence[str] = ("full", "hashing"),
    num_seeds: int = 3,
    devices: Sequence[str] = ("cpu",),
    num_evaluations: int = 10,
) -> tuple[pa.Table, pa.Table]:
    """Returns tables that look as those of a study do."""
    draw = np.random.default_rng(0)
    curves: list[dict[str, Any]] = []
    finals: list[dict[str, Any]] = []
    cells = itertools.product(datasets, architectures, devices, variants)
    for dataset, architecture, device, variant in cells:
        settings = [("baseline", "")]
        if variant in methods_on:
            settings += [(method, value) for method in methods for value in _METHODS[method]]
        for method, value in settings:
            name = "-".join(filter(None, (dataset, architecture, variant, method, value, device)))
            baseline = "-".join((dataset, architecture, variant, "baseline", device))
            if method == "baseline":
                baseline = "-".join((dataset, architecture, variants[0], "baseline", device))
            cell = key(
                name,
                dataset=dataset,
                dataset_bytes=ROWS[dataset] * 310,
                variant=variant,
                num_train_rows=ROWS[dataset],
                architecture=architecture,
                method=method,
                value=value,
                device=device,
            )
            own = [_training(cell, seed, num_evaluations, draw) for seed in range(num_seeds)]
            curves += [row for rows in own for row in rows]
            finals.append(_final(cell, baseline, own, finals, draw))
    return tables(curves, finals)


def _training(
    cell: Mapping[str, Any], seed: int, num_evaluations: int, draw: np.random.Generator
) -> list[dict[str, Any]]:
    rows = cell["num_train_rows"]
    effect, factor = _EFFECTS.get(cell["value"], (0.0, 1.0))
    floor = 0.44 + 1.2 * rows**-0.35 + _LOSS[cell["variant"]] + effect
    floor += 0.003 * (cell["architecture"] == "dlrm") + draw.normal(0, 0.0006)
    speed = 40_000 / factor * (4 if cell["device"] == "gpu" else 1) * draw.uniform(0.9, 1.1)
    epochs = 4.0
    seconds = epochs * (rows + 500) / speed
    batch_size = float(cell["value"]) if cell["method"] == "batch_size" else 256.0
    found = []
    for i in range(1, num_evaluations + 1):
        epoch = epochs * i / num_evaluations
        shape = 0.12 * np.exp(-1.6 * epoch)
        too_long = 0.006 * max(0.0, epoch - 2) * (cell["value"] != "true")
        losses = {"train": floor + shape - 0.03 * epoch / epochs, "eval": floor + shape + too_long}
        row = {
            **cell,
            "seed": seed,
            "status": "done",
            "num_eval_rows": rows // 4,
            "epoch": epoch,
            "step": int(epoch * rows / batch_size) + 1,
            "seconds": seconds * i / num_evaluations,
            "batch_size": batch_size,
            "dense_learning_rate": 0.01,
            "embedding_learning_rate": 0.05,
            "epochs": epochs,
            "num_parameters": 2e6,
            "embedding_bytes": _BYTES[cell["variant"]] * (rows / 32_000) ** 0.5,
            "train_seconds": seconds,
            "train_examples_per_second": speed,
            "num_cores": 2.0,
            "parallel_cells": 1,
            "is_last": i == num_evaluations,
        }
        for split, loss in losses.items():
            loss += draw.normal(0, 0.0008)
            row[f"{split}_logloss"] = loss
            row[f"{split}_auc_roc"] = 0.5 + 0.75 * (0.95 - loss) ** 1.2 / 1.2
            row |= {f"{split}_accuracy": 1 - loss / 2, f"{split}_f1": 0.9 - loss}
        found.append(row)
    return found


def _final(
    cell: Mapping[str, Any],
    baseline: str,
    runs: Sequence[Sequence[Mapping[str, Any]]],
    finals: Sequence[Mapping[str, Any]],
    draw: np.random.Generator,
) -> dict[str, Any]:
    lasts = [rows[-1] for rows in runs]
    width = 0.004 * (32_000 / cell["num_train_rows"]) ** 0.5
    row = {**cell, "baseline": baseline, "num_seeds": len(runs), "best_auc_roc": 0.87}
    for name in ("embedding_bytes", "train_seconds", "train_examples_per_second"):
        row[name] = float(np.median([last[name] for last in lasts]))
    reference = next((final for final in finals if final["cell"] == baseline), None)
    for metric in ("auc_roc", "logloss", "accuracy", "f1"):
        value = float(np.mean([last[f"eval_{metric}"] for last in lasts]))
        row |= {metric: value, f"{metric}_low": value - width, f"{metric}_high": value + width}
        if reference:
            found = value - reference[metric]
            half = 0.3 * width * draw.uniform(0.8, 1.2)
            row |= {
                f"{metric}_difference": found,
                f"{metric}_difference_low": found - half,
                f"{metric}_difference_high": found + half,
                f"{metric}_p": 0.0004 if abs(found) > half else 0.3,
            }
    return row

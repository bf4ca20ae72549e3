"""The two tables of a study: the curves of all trainings, and the comparison of all cells."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from components.evaluator.metric_result import MetricResult
from components.files import write_bytes
from components.parquet import write_table
from components.trainer.config import TrainerConfig
from components.training_record import EvalPoint, TrainingRecord
from pipeline.study.cells import Cell
from pipeline.study.result import GroupResult, StudyResult, Training

METRICS = ("logloss", "auc_roc", "accuracy", "precision", "recall", "f1")
FINAL_METRICS = ("auc_roc", "logloss", "accuracy", "precision", "recall", "f1")
_CELL = (
    ("cell", pa.string()),
    ("dataset", pa.string()),
    ("dataset_bytes", pa.int64()),
    ("num_train_rows", pa.int64()),
)
_PARTS = tuple((n, pa.string()) for n in ("architecture", "variant", "method", "value"))
_END = ("", "_low", "_high", "_difference", "_difference_low", "_difference_high", "_p")
CURVES = pa.schema(
    [
        *_CELL,
        ("num_eval_rows", pa.int64()),
        *_PARTS,
        ("seed", pa.int64()),
        ("device", pa.string()),
        ("status", pa.string()),
        ("error", pa.string()),
        ("step", pa.int64()),
        ("epoch", pa.float64()),
        ("seconds", pa.float64()),
        *((f"{split}_{m}", pa.float64()) for split in ("train", "eval") for m in METRICS),
        ("is_last", pa.bool_()),
        ("batch_size", pa.int64()),
        ("dense_learning_rate", pa.float64()),
        ("embedding_learning_rate", pa.float64()),
        ("epochs", pa.int64()),
        ("embedding_bytes", pa.int64()),
        ("num_parameters", pa.int64()),
        ("train_seconds", pa.float64()),
        ("train_examples_per_second", pa.float64()),
        ("num_cores", pa.float64()),
        ("parallel_cells", pa.int64()),
    ]
)
FINALS = pa.schema(
    [
        *_CELL,
        *_PARTS,
        ("device", pa.string()),
        ("num_seeds", pa.int64()),
        ("baseline", pa.string()),
        *((f"{metric}{end}", pa.float64()) for metric in FINAL_METRICS for end in _END),
        ("embedding_bytes", pa.int64()),
        ("train_seconds", pa.float64()),
        ("train_examples_per_second", pa.float64()),
        ("best_auc_roc", pa.float64()),
    ]
)


def curves_table(result: StudyResult) -> pa.Table:
    """Returns a row for each cell, seed and evaluation while training; see `docs/study.md`."""
    rows = [
        {**shared, **row}
        for group in result.groups
        for cell in group.group.cells
        for shared in (_cell_facts(group, cell),)
        for row in _cell_curves(group, cell)
    ]
    return pa.Table.from_pylist(rows, CURVES)


def finals_table(result: StudyResult) -> pa.Table:
    """Returns a row for each cell; see `docs/study.md`."""
    rows = [
        {**_cell_facts(group, cell), **_final(group, cell)}
        for group in result.groups
        for cell in group.group.cells
    ]
    return pa.Table.from_pylist(rows, FINALS)


def write_tables(folder: Path, tables: Mapping[str, pa.Table]) -> None:
    """Writes each table as Parquet and as CSV, whole or not at all."""
    for name, table in tables.items():
        write_table(table, str(folder / f"{name}.parquet"))
        buffer = pa.BufferOutputStream()
        csv.write_csv(table, buffer)
        write_bytes(str(folder / f"{name}.csv"), buffer.getvalue().to_pybytes())


def _cell_facts(group: GroupResult, cell: Cell) -> dict[str, Any]:
    records = _records(group, cell)
    return {
        "cell": cell.id,
        "dataset": cell.dataset,
        "dataset_bytes": group.dataset_bytes,
        "num_train_rows": records[0].train_rows if records else None,
        "architecture": cell.architecture,
        "variant": cell.variant,
        "method": cell.method,
        "value": cell.value,
        "device": cell.device,
    }


def _cell_curves(group: GroupResult, cell: Cell) -> Iterator[dict[str, Any]]:
    config = group.group.trainer_configs[cell.name]
    for index, training in enumerate(group.trainings[cell.name]):
        facts: dict[str, Any] = {
            "seed": config.seed + index,
            "status": training.status,
            "error": training.error,
            **_config_facts(config),
        }
        if training.record is None:
            yield facts
        else:
            if training.timing is not None:
                facts["num_cores"] = training.timing.num_cores
                facts["parallel_cells"] = training.timing.parallel
            yield from ({**facts, **row} for row in _points(training.record))


def _config_facts(config: TrainerConfig) -> dict[str, Any]:
    return {
        "batch_size": config.batch_size,
        "dense_learning_rate": config.dense_optimizer.learning_rate,
        "embedding_learning_rate": config.embedding_optimizer.learning_rate,
        "epochs": config.epochs,
    }


def _points(record: TrainingRecord) -> Iterator[dict[str, Any]]:
    facts = {
        "num_eval_rows": record.eval_rows,
        "embedding_bytes": record.embedding_bytes,
        "num_parameters": record.num_parameters,
        "train_seconds": record.train_seconds,
        "train_examples_per_second": record.train_examples_per_second,
    }
    for number, point in enumerate(record.eval_curve, start=1):
        yield {
            **facts,
            "step": point.step,
            "epoch": point.examples / record.train_rows,
            "seconds": point.train_seconds,
            **_metrics(point),
            "is_last": number == len(record.eval_curve),
        }


def _metrics(point: EvalPoint) -> dict[str, float | None]:
    found = {"train": point.train_metrics, "eval": {**point.metrics, "logloss": point.logloss}}
    return {f"{split}_{m}": found[split].get(m) for split in found for m in METRICS}


def _final(group: GroupResult, cell: Cell) -> dict[str, Any]:
    records = _records(group, cell)
    facts: dict[str, Any] = {"num_seeds": len(records)}
    if records:
        facts["embedding_bytes"] = records[0].embedding_bytes
        for name in ("train_seconds", "train_examples_per_second"):
            facts[name] = statistics.median(getattr(record, name) for record in records)
    if cell not in group.compared_cells():
        return facts
    assert group.comparison is not None and group.baseline is not None
    facts |= {"baseline": group.baseline.id, "best_auc_roc": group.comparison.best_auc_roc}
    return facts | _final_metrics(group.metrics_of(cell))


def _final_metrics(found: Mapping[str, MetricResult]) -> dict[str, float | None]:
    values: dict[str, float | None] = {}
    for metric in FINAL_METRICS:
        if metric in found:
            numbers = _metric_numbers(found[metric])
            values |= {f"{metric}{end}": n for end, n in zip(_END, numbers, strict=True)}
    return values


def _metric_numbers(metric: MetricResult) -> Sequence[float | None]:
    """Returns the numbers in the order of `_END`."""
    estimate, difference = metric.estimate, metric.difference
    numbers: list[float | None] = [estimate.value, estimate.low, estimate.high]
    if difference is None:
        return [*numbers, None, None, None, None]
    ends = (difference.value, difference.low, difference.high)
    return [*numbers, *ends, metric.adjusted_p_value]


def _records(group: GroupResult, cell: Cell) -> list[TrainingRecord]:
    trainings: Sequence[Training] = group.trainings[cell.name]
    return [training.record for training in trainings if training.record is not None]

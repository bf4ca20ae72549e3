"""Tiny SavedModels and raw rows whose predictions can be worked out by hand."""

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import tensorflow as tf

from components.evaluator.comparison import VariantResult
from components.evaluator.metric_result import Estimate, MetricResult
from components.parquet import write_table
from components.training_record import TrainingRecord, write_training_record
from schemas.click_log import LABEL, MISSING_INTEGER, raw_arrow_schema
from schemas.criteo import CATEGORICAL_FEATURES, CLICK_LOG, DENSE_FEATURES
from schemas.serving import PROBABILITY, RAW_FEATURES
from schemas.spans import block_name


class Logistic(tf.Module):
    """probability = sigmoid(weight * I1 + 1 where C1 is missing); a missing I1 counts as 0."""

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = tf.Variable(weight, dtype=tf.float32)

    @tf.function
    def raw_features(self, **features: tf.Tensor) -> dict[str, tf.Tensor]:
        first = tf.cast(features["I1"], tf.float32)
        first = tf.where(features["I1"] == MISSING_INTEGER, tf.zeros_like(first), first)
        missing = tf.cast(features["C1"] == b"", tf.float32)
        return {PROBABILITY: tf.sigmoid(self.weight * first + missing)}


def save_model(path: Path, weight: float, signature: str = RAW_FEATURES) -> Path:
    """Saves `Logistic` under a signature of that name and returns its folder."""
    model = Logistic(weight)
    specs = {name: tf.TensorSpec([None], tf.int64, name=name) for name in DENSE_FEATURES}
    specs |= {name: tf.TensorSpec([None], tf.string, name=name) for name in CATEGORICAL_FEATURES}
    concrete = model.raw_features.get_concrete_function(**specs)
    tf.saved_model.save(model, str(path), signatures={signature: concrete})
    return path


def save_training(path: Path, embedding_bytes: int) -> Path:
    """Writes `training.json` as a trainer does and returns its folder."""
    record = TrainingRecord(
        variant=path.name,
        method="full",
        seed=0,
        config={},
        num_parameters=1000,
        embedding_bytes=embedding_bytes,
        train_rows=640,
        train_steps=10,
        trace_seconds=0.5,
        train_seconds=2.5,
        train_examples_per_second=256.0,
        final_train_loss=0.6,
        eval_rows=100,
        eval_logloss=0.6,
        export_seconds=0.5,
    )
    write_training_record(str(path), record)
    return path


def raw_rows(labels: list[int], first: list[int | None], category: list[bytes | None]) -> pa.Table:
    """Returns raw rows with these labels, I1 and C1; everything else is missing."""
    columns: dict[str, list] = {
        name: [None] * len(labels) for name in raw_arrow_schema(CLICK_LOG).names
    }
    columns |= {LABEL: labels, "I1": first, "C1": category}
    return pa.table(columns, schema=raw_arrow_schema(CLICK_LOG))


def click_log(num_rows: int, seed: int, missing_rate: float = 0.1) -> pa.Table:
    """Returns rows whose labels are drawn with probability sigmoid(I1 / 4 - 1)."""
    random = np.random.default_rng(seed)
    first = random.integers(-8, 9, num_rows)
    labels = (random.random(num_rows) < 1 / (1 + np.exp(1 - first / 4))).astype(int)
    missing = random.random(num_rows) < missing_rate
    values = [None if gone else int(value) for gone, value in zip(missing, first, strict=True)]
    return raw_rows(labels.tolist(), values, [b"05db9164"] * num_rows)


def write_split(folder: Path, *tables: pa.Table) -> str:
    """Writes one Parquet file a table, named as ExampleGen does, and returns the folder."""
    folder.mkdir(parents=True)
    for number, table in enumerate(tables):
        write_table(table, str(folder / f"{block_name(number, 0)}.parquet"))
    return str(folder)


def metric(
    value: float,
    difference: float | None = None,
    sampling_error: float = 0.0,
    seed_error: float | None = None,
) -> MetricResult:
    """Returns a metric with these numbers; its intervals are 1.96 errors wide on either side."""

    def estimate(center: float) -> Estimate:
        error = math.hypot(sampling_error, seed_error or 0.0)
        return Estimate(
            value=center,
            standard_error=error,
            low=center - 1.96 * error,
            high=center + 1.96 * error,
        )

    return MetricResult(
        estimate=estimate(value),
        difference=None if difference is None else estimate(difference),
        sampling_error=sampling_error,
        seed_error=seed_error,
    )


def result(
    name: str,
    auc_roc: float,
    embedding_bytes: int,
    difference: float | None = None,
    sampling_error: float = 0.0,
    **costs: float,
) -> VariantResult:
    """Returns the measurements of a variant; the baseline has no `difference`."""
    return VariantResult(
        name=name,
        seeds=(0,),
        metrics={
            "auc_roc": metric(auc_roc, difference, sampling_error),
            "logloss": metric(0.45, None if difference is None else 0.0, sampling_error),
        },
        costs={"embedding_bytes": embedding_bytes, **costs},
    )


def diverged(name: str, embedding_bytes: int) -> VariantResult:
    """Returns a variant without metrics."""
    costs = {"embedding_bytes": float(embedding_bytes)}
    return VariantResult(name=name, seeds=(0,), metrics={}, costs=costs)

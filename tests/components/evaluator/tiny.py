"""Tiny SavedModels and raw rows whose predictions can be worked out by hand."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import tensorflow as tf

from components.evaluator.comparison import Comparison, VariantResult
from components.parquet import write_table
from components.training_record import TrainingRecord, write_training_record
from schemas.click_log import LABEL, MISSING_INTEGER, raw_arrow_schema
from schemas.criteo import CATEGORICAL_FEATURES, CLICK_LOG, DENSE_FEATURES
from schemas.serving import PROBABILITY, RAW_FEATURES


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
    """Writes one Parquet file a table and returns the folder."""
    folder.mkdir(parents=True)
    for number, table in enumerate(tables):
        write_table(table, str(folder / f"data-{number:05d}.parquet"))
    return str(folder)


def result(name: str, auc_roc: float, embedding_bytes: int) -> VariantResult:
    """Returns the measurements of a variant of which only these three matter."""
    return VariantResult(
        name=name,
        auc_roc=auc_roc,
        logloss=0.45,
        normalized_entropy=0.8,
        calibration=1.01,
        num_parameters=embedding_bytes // 4,
        embedding_bytes=embedding_bytes,
        saved_model_bytes=embedding_bytes + 500_000,
        train_seconds=12.3,
        train_examples_per_second=98_765.0,
    )


def comparison(*variants: VariantResult, chosen: str, **facts: float) -> Comparison:
    """Returns a comparison whose baseline is the first variant."""
    values: dict = {"max_auc_loss": 0.005, "num_eval_rows": 20_000, "click_rate": 0.25} | facts
    return Comparison(
        baseline=variants[0].name,
        chosen=chosen,
        reason=f"Ship {chosen}: a reason.",
        variants=variants,
        **values,
    )

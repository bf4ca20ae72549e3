"""The whole work of a trainer, without a word of TFX."""

import math
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass

import tensorflow as tf

from components.features import read_features
from components.progress import report
from components.trainer.architecture import make_dlrm
from components.trainer.config import TrainerConfig
from components.trainer.data import count_rows, find_files
from components.trainer.devices import Devices, make_devices
from components.trainer.evaluation import evaluate
from components.trainer.loop.checkpoints import checkpoint_folder
from components.trainer.loop.divergence import DivergedError
from components.trainer.loop.validation_rows import hold_out_last_rows
from components.trainer.method_stack import resolve_size
from components.trainer.model import Dlrm
from components.trainer.serving import ServedModel, export
from components.trainer.train_variant import TrainingRows, train_variant
from components.training_record import (
    TrainingRecord,
    TrainingSummary,
    table_bytes,
    write_training_record,
)

LOGS_FOLDER = "logs"


def train_and_export(
    config: TrainerConfig,
    train_patterns: Sequence[str],
    eval_patterns: Sequence[str],
    transform_graph_uri: str,
    serving_model_dir: str,
    model_run_dir: str,
    checkpoints_root: str | None = None,
    code_version: str = "",
) -> TrainingRecord:
    """Trains a variant, computes its logloss on the eval split and exports it.

    That logloss shows while the run goes on what a training gave: the comparison comes only after
    all variants. It feeds the network itself with transformed rows. The figures to compare variants
    by are the Evaluator's: it feeds the exported model with raw rows.

    Args:
      config: the variant.
      train_patterns: globs of the train split's transformed Parquet files.
      eval_patterns: the same for the eval split.
      transform_graph_uri: the folder of the transform graph and `features.json`.
      serving_model_dir: where the SavedModel goes.
      model_run_dir: where the record and TensorBoard's logs go.
      checkpoints_root: the folder under which every training has one for its checkpoints, the same
        at the next try of the same training; it is removed when the model is exported. None: a
        training that is killed starts anew.
      code_version: of the code that trains; other code does not go on from these checkpoints.

    Returns:
      what was written into `model_run_dir`.

    Raises:
      InputError: if a split or the validation rows hold only one class, the loss diverges, a
        checkpoint is damaged, or the methods do not reach the size that is asked for.
      FileNotFoundError: if a split has no Parquet file.
    """
    devices = make_devices(config.device)
    files = find_files(train_patterns), find_files(eval_patterns)
    features = read_features(transform_graph_uri)
    config = resolve_size(config, features.vocabulary_sizes)
    checkpoint_dir = None
    if checkpoints_root is not None:
        read = [*files[0], *files[1]]
        checkpoint_dir = checkpoint_folder(checkpoints_root, config, read, code_version)
    with tempfile.TemporaryDirectory() as scratch:
        rows = _find_rows(config, *files, scratch)
        sizes, dense_width = features.vocabulary_sizes, features.dense_width
        used = TrainingRows(
            transform_graph_uri,
            features,
            rows.train_files,
            rows.num_train,
            rows.validation_files,
            rows.eval_files,
        )
        logs_dir = os.path.join(model_run_dir, LOGS_FOLDER)
        network, summary = _train(config, used, devices, logs_dir, checkpoint_dir)
        logloss = _eval_logloss(network, config, rows.eval_files, summary, devices)
        plain = devices.to_plain(network, lambda: make_dlrm(config, sizes, dense_width), scratch)
        served_network = plain.served()
        if served_network is not plain:
            report(f"{config.variant}: evaluating as served")
            logloss = evaluate(served_network, config, rows.eval_files)
        report(f"{config.variant}: exporting")
        start_seconds = time.monotonic()
        offset = config.served_logit_offset
        served = ServedModel(transform_graph_uri, served_network, features.click_log, offset)
        # All workers of a training on several machines take part; one file set counts.
        export(served, serving_model_dir if devices.is_chief else os.path.join(scratch, "model"))
        export_seconds = time.monotonic() - start_seconds
    record = TrainingRecord(
        variant=config.variant,
        method=config.embedding.method,
        seed=config.seed,
        config=config.model_dump(mode="json"),
        num_parameters=plain.num_parameters,
        embedding_bytes=plain.embedding_bytes,
        table_bytes=table_bytes(list(sizes), *plain.own_and_shared_bytes()),
        train_rows=rows.num_train,
        validation_rows=rows.num_validation,
        **summary.model_dump(),
        eval_rows=rows.num_eval,
        eval_logloss=logloss if math.isfinite(logloss) else None,
        export_seconds=export_seconds,
    )
    if devices.is_chief:
        write_training_record(model_run_dir, record)
        _remove(checkpoint_dir)
    report(
        f"{rows.num_train:,} rows, {summary.train_examples_per_second:,.0f} examples/s, "
        f"eval logloss {logloss:.4f}"
    )
    return record


@dataclass(frozen=True)
class _Rows:
    """Transformed Parquet files by what they are for, and how many rows they hold."""

    train_files: list[str]
    validation_files: list[str]
    eval_files: list[str]
    num_train: int
    num_validation: int
    num_eval: int


def _find_rows(
    config: TrainerConfig, train_files: list[str], eval_files: list[str], scratch: str
) -> _Rows:
    """Holds out the validation rows, and counts all."""
    validation_files: list[str] = []
    if config.validation_fraction:
        fraction = config.validation_fraction
        train_files, validation_files = hold_out_last_rows(train_files, fraction, scratch)
    num_validation = count_rows(validation_files) if validation_files else 0
    num_train, num_eval = count_rows(train_files), count_rows(eval_files)
    held_out = f", {num_validation:,} to stop by" if num_validation else ""
    report(f"{config.variant}: {num_train:,} rows to train{held_out}, {num_eval:,} to evaluate")
    return _Rows(train_files, validation_files, eval_files, num_train, num_validation, num_eval)


def _train(
    config: TrainerConfig,
    rows: TrainingRows,
    devices: Devices,
    logs_dir: str,
    checkpoint_dir: str | None,
) -> tuple[Dlrm, TrainingSummary]:
    """Trains; a training that has diverged leaves no checkpoint: the next try would end so too."""
    try:
        return train_variant(config, rows, devices, logs_dir, checkpoint_dir)
    except DivergedError:
        _remove(checkpoint_dir)
        raise


def _eval_logloss(
    network: Dlrm,
    config: TrainerConfig,
    files: Sequence[str],
    summary: TrainingSummary,
    devices: Devices,
) -> float:
    """The logloss of the trained network on the eval split."""
    if summary.eval_curve_rows == "eval" and summary.eval_curve[-1].step == summary.exported_step:
        return summary.eval_curve[-1].logloss
    report(f"{config.variant}: evaluating")
    return evaluate(network, config, files, devices)


def _remove(folder: str | None) -> None:
    if folder is not None and tf.io.gfile.exists(folder):
        tf.io.gfile.rmtree(folder)

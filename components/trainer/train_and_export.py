"""The whole work of a trainer, without a word of TFX."""

import math
import time
from collections.abc import Sequence

from components.features import read_features
from components.progress import report
from components.trainer.architecture import make_dlrm
from components.trainer.config import TrainerConfig
from components.trainer.data import count_rows, find_files
from components.trainer.evaluation import evaluate
from components.trainer.serving import ServedModel, export
from components.trainer.training import train
from components.training_record import TrainingRecord, write_training_record


def train_and_export(
    config: TrainerConfig,
    train_patterns: Sequence[str],
    eval_patterns: Sequence[str],
    transform_graph_uri: str,
    serving_model_dir: str,
    model_run_dir: str,
) -> TrainingRecord:
    """Trains a variant, computes its logloss on the eval split and exports it.

    That one pass over the eval split shows while the run goes on what a training gave: the
    comparison comes only after all variants. It feeds the network itself with transformed rows.
    The figures to compare variants by are the Evaluator's: it feeds the exported model with raw
    rows.

    Args:
      config: the variant.
      train_patterns: globs of the train split's transformed Parquet files.
      eval_patterns: the same for the eval split, which is read once, after training.
      transform_graph_uri: the folder of the transform graph and `features.json`.
      serving_model_dir: where the SavedModel goes.
      model_run_dir: where the record goes.

    Returns:
      what was written into `model_run_dir`.

    Raises:
      InputError: if a split holds only one class or the loss is not finite.
      FileNotFoundError: if a split has no Parquet file.
    """
    train_files, eval_files = find_files(train_patterns), find_files(eval_patterns)
    train_rows, eval_rows = count_rows(train_files), count_rows(eval_files)
    report(f"{config.variant}: {train_rows:,} rows to train, {eval_rows:,} to evaluate")
    features = read_features(transform_graph_uri)
    network = make_dlrm(config, features.vocabulary_sizes, features.dense_width)
    summary = train(network, config, train_files, train_rows)
    report(f"{config.variant}: evaluating {eval_rows:,} rows")
    logloss = evaluate(network, config, eval_files)
    report(f"{config.variant}: exporting")
    start_seconds = time.monotonic()
    offset = config.served_logit_offset
    served = ServedModel(transform_graph_uri, network, features.click_log, offset)
    export(served, serving_model_dir)
    record = TrainingRecord(
        variant=config.variant,
        method=config.embedding.method,
        seed=config.seed,
        config=config.model_dump(mode="json"),
        num_parameters=network.num_parameters,
        embedding_bytes=network.embedding_bytes,
        train_rows=train_rows,
        **summary.model_dump(),
        eval_rows=eval_rows,
        eval_logloss=logloss if math.isfinite(logloss) else None,
        export_seconds=time.monotonic() - start_seconds,
    )
    write_training_record(model_run_dir, record)
    report(
        f"{train_rows:,} rows, {summary.train_examples_per_second:,.0f} examples/s, "
        f"eval logloss {logloss:.4f}"
    )
    return record

"""The whole work of a trainer, without a word of TFX."""

import dataclasses
import json
import os
import time
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from components.progress import report
from components.trainer.config import TrainerConfig
from components.trainer.data import count_rows, find_files
from components.trainer.model import make_dlrm
from components.trainer.serving import export
from components.trainer.training import evaluate, train
from components.vocabulary_sizes import read_vocabulary_sizes
from schemas.criteo import DENSE

TRAINING_FILE = "training.json"


def train_and_export(
    config: TrainerConfig,
    train_patterns: Sequence[str],
    eval_patterns: Sequence[str],
    transform_graph_uri: str,
    serving_model_dir: str,
    model_run_dir: str,
) -> dict[str, Any]:
    """Trains a variant, judges it on the eval split and exports it.

    Args:
      config: the variant.
      train_patterns: globs of the train split's transformed Parquet files.
      eval_patterns: the same for the eval split, which is judged once, after training.
      transform_graph_uri: the folder of the transform graph and the vocabulary sizes.
      serving_model_dir: where the SavedModel goes.
      model_run_dir: where `training.json` goes.

    Returns:
      what `training.json` holds: `variant`, `method`, `seed`, `config`, `num_parameters` (the
      whole network), `embedding_bytes`, `train_rows`, the fields of `TrainingSummary`,
      `eval_rows`, `eval_logloss` (nats), `eval_auc_roc` and `export_seconds`.

    Raises:
      InputError: if a split holds only one class or the loss is not finite.
      FileNotFoundError: if a split has no Parquet file.
    """
    train_files, eval_files = find_files(train_patterns), find_files(eval_patterns)
    train_rows, eval_rows = count_rows(train_files), count_rows(eval_files)
    report(f"{config.variant}: {train_rows:,} rows to train, {eval_rows:,} to evaluate")
    spec = tft.TFTransformOutput(transform_graph_uri).transformed_feature_spec()
    network = make_dlrm(config, read_vocabulary_sizes(transform_graph_uri), spec[DENSE].shape[0])
    summary = train(network, config, train_files, train_rows)
    report(f"{config.variant}: evaluating {eval_rows:,} rows")
    metrics = evaluate(network, eval_files)
    report(f"{config.variant}: exporting")
    start_seconds = time.monotonic()
    export(transform_graph_uri, network, serving_model_dir)
    result = {
        "variant": config.variant,
        "method": config.embedding.method,
        "seed": config.seed,
        "config": config.model_dump(mode="json"),
        "num_parameters": network.num_parameters,
        "embedding_bytes": network.embedding_bytes,
        "train_rows": train_rows,
        **dataclasses.asdict(summary),
        "eval_rows": eval_rows,
        **{f"eval_{name}": value for name, value in metrics.items()},
        "export_seconds": time.monotonic() - start_seconds,
    }
    tf.io.gfile.makedirs(model_run_dir)
    _write_json(result, os.path.join(model_run_dir, TRAINING_FILE))
    report(
        f"{train_rows:,} rows, {summary.train_examples_per_second:,.0f} examples/s, "
        f"eval logloss {metrics['logloss']:.4f}"
    )
    return result


def _write_json(value: dict[str, Any], path: str) -> None:
    with tf.io.gfile.GFile(f"{path}.tmp", "w") as file:
        file.write(json.dumps(value, indent=1) + "\n")
    tf.io.gfile.rename(f"{path}.tmp", path, overwrite=True)

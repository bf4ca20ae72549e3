"""The comparison of the variants, from raw eval rows to the written report."""

import math
import os
from collections.abc import Callable, Mapping

import apache_beam as beam
from pydantic import BaseModel, ConfigDict

from components import progress
from components.evaluator.choice import choice_reason, choose_variant
from components.evaluator.comparison import (
    COMPARISON_FILE,
    REPORT_FILE,
    Comparison,
    VariantResult,
)
from components.evaluator.config import EvaluatorConfig, check_baseline
from components.evaluator.metrics import VariantMetrics, compute_metrics
from components.evaluator.predict import write_predictions
from components.evaluator.prediction_facts import PredictionFacts, read_prediction_facts
from components.evaluator.report import render_report
from components.evaluator.saved_model import check_raw_signature, folder_bytes
from components.files import write_text
from components.parquet import list_files, read_table
from components.training_record import TrainingRecord, read_training_record
from schemas.click_log import LABEL

_TFMA_FOLDER = "tfma"
_DIVERGED = VariantMetrics(auc_roc=math.nan, logloss=math.nan, calibration=math.nan)


class VariantInput(BaseModel):
    """Where the two artifacts of one variant are.

    Attributes:
      model_path: the folder that holds `saved_model.pb`.
      model_run_uri: the folder that holds `training.json`.
    """

    model_config = ConfigDict(frozen=True)

    model_path: str
    model_run_uri: str


def evaluate(
    make_pipeline: Callable[[], beam.Pipeline],
    eval_split_uri: str,
    variants: Mapping[str, VariantInput],
    config: EvaluatorConfig,
    comparison_uri: str,
    predictions_uri: str,
) -> Comparison:
    """Predicts with every variant, measures, chooses one and writes the report.

    Args:
      make_pipeline: makes a Beam pipeline; called twice.
      eval_split_uri: folder of Parquet files with the raw rows of the eval split.
      variants: variant -> its model and its training run.
      config: how to compare.
      comparison_uri: where `comparison.json`, `index.html` and TFMA's result (`tfma/`) go.
      predictions_uri: where the Parquet files of the predictions go.

    Returns:
      What `comparison.json` holds.

    Raises:
      InputError: if the baseline is unknown or diverged, a model lacks the signature for raw
        features, a training run says nothing, or the eval split holds labels of one class only.
    """
    check_baseline(config, variants)
    eval_files = list_files(eval_split_uri)
    features = set(read_table(eval_files[0]).column_names) - {LABEL}
    for name, variant in variants.items():
        check_raw_signature(name, variant.model_path, features)
    trainings = {name: read_training_record(each.model_run_uri) for name, each in variants.items()}
    model_paths = {name: variant.model_path for name, variant in variants.items()}
    write_predictions(make_pipeline, eval_files, model_paths, predictions_uri, config.batch_size)
    files = list_files(predictions_uri)
    facts = read_prediction_facts(files)
    finite = [name for name in variants if name not in facts.diverged]
    metrics = dict.fromkeys(facts.diverged, _DIVERGED)
    progress.report(f"metrics of {facts.num_rows:,} rows x {len(finite)} variants")
    if finite:
        tfma_dir = os.path.join(comparison_uri, _TFMA_FOLDER)
        metrics |= compute_metrics(make_pipeline, files, finite, tfma_dir, config.num_thresholds)
    results = [
        _variant_result(name, metrics[name], trainings[name], path, facts)
        for name, path in model_paths.items()
    ]
    comparison = _compare(results, facts, config)
    write_text(os.path.join(comparison_uri, COMPARISON_FILE), comparison.to_json())
    write_text(os.path.join(comparison_uri, REPORT_FILE), render_report(comparison))
    return comparison


def _variant_result(
    name: str,
    metrics: VariantMetrics,
    training: TrainingRecord,
    model_path: str,
    facts: PredictionFacts,
) -> VariantResult:
    rate = facts.click_rate
    entropy = -(rate * math.log(rate) + (1.0 - rate) * math.log1p(-rate))
    return VariantResult(
        name=name,
        auc_roc=metrics.auc_roc,
        logloss=metrics.logloss,
        normalized_entropy=metrics.logloss / entropy,
        calibration=metrics.calibration,
        num_parameters=training.num_parameters,
        embedding_bytes=training.embedding_bytes,
        saved_model_bytes=folder_bytes(model_path),
        train_seconds=training.train_seconds,
        train_examples_per_second=training.train_examples_per_second,
    )


def _compare(
    results: list[VariantResult], facts: PredictionFacts, config: EvaluatorConfig
) -> Comparison:
    chosen = choose_variant(results, config.baseline, config.max_auc_loss)
    baseline = next(result for result in results if result.name == config.baseline)
    others = [result for result in results if result.name != config.baseline]
    return Comparison(
        baseline=baseline.name,
        chosen=chosen.name,
        reason=choice_reason(chosen, baseline, results, config.max_auc_loss),
        max_auc_loss=config.max_auc_loss,
        num_eval_rows=facts.num_rows,
        click_rate=facts.click_rate,
        best_auc_roc=config.best_auc_roc,
        best_logloss=config.best_logloss,
        variants=(baseline, *sorted(others, key=lambda r: (-r.embedding_bytes, r.name))),
    )

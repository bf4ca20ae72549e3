"""The comparison of the variants, from raw eval rows to the written report."""

import os
from collections.abc import Callable, Mapping, Sequence

import apache_beam as beam
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from components import progress
from components.evaluator.choice.choose import choose
from components.evaluator.comparison import (
    COMPARISON_FILE,
    MARKDOWN_FILE,
    REPORT_FILE,
    Comparison,
    DataFacts,
    LatencyResult,
    Lineage,
    VariantResult,
)
from components.evaluator.config import EvaluatorConfig, check_baseline
from components.evaluator.costs import variant_costs
from components.evaluator.keys import replica_name
from components.evaluator.latency.calls import num_rows_used
from components.evaluator.latency.measure import measure_latency
from components.evaluator.predict import write_predictions
from components.evaluator.prediction_facts import PredictionFacts, read_prediction_facts
from components.evaluator.preflight_facts import read_preflight
from components.evaluator.report.markdown import render_markdown
from components.evaluator.report.page import render_page
from components.evaluator.saved_model import check_raw_signature, folder_bytes
from components.evaluator.statistics.quality import Quality, measure_quality
from components.evaluator.statistics.tfma_result import write_tfma_result
from components.features import Features, read_features
from components.files import write_text
from components.parquet import list_files, read_table
from components.training_record import TrainingRecord, read_training_record
from schemas.click_log import LABEL, WEIGHT
from schemas.spans import SpanCounts

_TFMA_FOLDER = "tfma"


class Replica(BaseModel):
    """Where the two artifacts of a variant trained with one seed are.

    Attributes:
      model_path: the folder that holds `saved_model.pb`.
      model_run_uri: the folder that holds `training.json`.
    """

    model_config = ConfigDict(frozen=True)

    model_path: str
    model_run_uri: str


class EvalRows(BaseModel):
    """Where the rows are that the variants are compared on.

    Attributes:
      raw_uri: folder of Parquet files with the raw rows of the eval split.
      transformed_uri: folder of files of the same names with the transformed rows.
      transform_graph_uri: folder of the transform graph.
      spans: of the log's window, oldest first, where it has some.
      fingerprint: of the raw files.
    """

    model_config = ConfigDict(frozen=True)

    raw_uri: str
    transformed_uri: str
    transform_graph_uri: str
    spans: tuple[SpanCounts, ...] = ()
    fingerprint: str | None = None


def evaluate(
    make_pipeline: Callable[[], beam.Pipeline],
    rows: EvalRows,
    variants: Mapping[str, Sequence[Replica]],
    config: EvaluatorConfig,
    comparison_uri: str,
    predictions_uri: str,
    lineage: Lineage,
    preflight_uri: str | None = None,
) -> Comparison:
    """Predicts with every variant, measures, chooses one and writes the report.

    Args:
      make_pipeline: makes a Beam pipeline; called several times.
      rows: the eval split.
      variants: variant -> its replicas, at least one; all variants have equally many.
      config: how to compare.
      comparison_uri: where `comparison.json`, `index.html`, `comparison.md` and TFMA's result
        (`tfma/`) go.
      predictions_uri: where the Parquet files of the predictions go.
      lineage: what the report says about where all of this came from.
      preflight_uri: the folder of `preflight.json`; None without a preflight.

    Returns:
      What `comparison.json` holds.

    Raises:
      InputError: if the baseline is unknown or diverged, a model lacks the signature for raw
        features, a training run says nothing, a slice's column is unknown, or the eval split holds
        labels of one class only.
    """
    check_baseline(config, variants)
    eval_files = list_files(rows.raw_uri)
    features = read_features(rows.transform_graph_uri)
    models = {
        replica_name(variant, index): replica.model_path
        for variant, replicas in variants.items()
        for index, replica in enumerate(replicas)
    }
    log = features.click_log
    for name, path in models.items():
        check_raw_signature(name, path, {*log.dense_features, *log.categorical_features})
    records = {
        name: [read_training_record(replica.model_run_uri) for replica in replicas]
        for name, replicas in variants.items()
    }
    write_predictions(
        make_pipeline,
        eval_files,
        rows.transformed_uri,
        rows.transform_graph_uri,
        models,
        predictions_uri,
        config,
        rows.spans,
    )
    files = list_files(predictions_uri)
    facts = read_prediction_facts(files)
    columns = {
        name: [replica_name(name, index) for index in range(len(replicas))]
        for name, replicas in variants.items()
    }
    finite = {
        name: replicas for name, replicas in columns.items() if not facts.diverged & set(replicas)
    }
    qualities: dict[str, Quality] = {}
    latencies: dict[str, tuple[LatencyResult, ...]] = {}
    if config.baseline in finite:  # else `choose` refuses, and nothing needs to be measured
        qualities = measure_quality(make_pipeline, files, finite, config.baseline, config)
        latencies = _measure_latency({name: models[name] for name in variants}, eval_files, config)
    baseline = records[config.baseline][0]
    target = _target_logloss(baseline, config)
    results = [
        _variant_result(
            name,
            records[name],
            qualities.get(name),
            models[name],
            latencies.get(name, ()),
            target if records[name][0].eval_curve_rows == baseline.eval_curve_rows else None,
        )
        for name in variants
    ]
    chosen, reason = choose(_in_order(results, config.baseline), config, facts.num_rows)
    comparison = Comparison(
        baseline=config.baseline,
        chosen=next((result.name for result in chosen if result.is_blessed), None),
        reason=reason,
        objective=config.objective,
        confidence=config.confidence,
        num_resamples=config.num_resamples,
        threshold=config.threshold,
        target_logloss=target,
        data=_data_facts(rows, features, facts, baseline),
        lineage=lineage,
        config=config.model_dump(mode="json"),
        best_auc_roc=config.best_auc_roc,
        best_logloss=config.best_logloss,
        preflight=None if preflight_uri is None else read_preflight(preflight_uri),
        variants=chosen,
    )
    progress.report("writing the report")
    tfma_dir = os.path.join(comparison_uri, _TFMA_FOLDER)
    is_weighted = log.weight is not None
    write_tfma_result(tfma_dir, qualities, config.baseline, config, is_weighted)
    for file_name, text in (
        (REPORT_FILE, render_page(comparison)),
        (MARKDOWN_FILE, render_markdown(comparison)),
        (COMPARISON_FILE, comparison.to_json()),
    ):
        write_text(os.path.join(comparison_uri, file_name), text)
    return comparison


def _measure_latency(
    models: Mapping[str, str], eval_files: Sequence[str], config: EvaluatorConfig
) -> dict[str, tuple[LatencyResult, ...]]:
    if not config.latency.batch_sizes:
        return {}
    needed = max(map(num_rows_used, config.latency.batch_sizes))
    parts, num_rows = [], 0
    for path in eval_files:
        if num_rows >= needed:
            break
        rows = read_table(path)
        parts.append(rows.select([n for n in rows.column_names if n not in (LABEL, WEIGHT)]))
        num_rows += parts[-1].num_rows
    rows = pa.concat_tables(parts)
    return measure_latency(models, rows, config.latency, config.confidence)


def _target_logloss(baseline: TrainingRecord, config: EvaluatorConfig) -> float | None:
    """Returns the logloss that the trainings are timed to."""
    if config.target_logloss is not None:
        return config.target_logloss
    return baseline.eval_curve[-1].logloss if baseline.eval_curve else None


def _variant_result(
    name: str,
    records: Sequence[TrainingRecord],
    quality: Quality | None,
    model_path: str,
    latency: tuple[LatencyResult, ...],
    target_logloss: float | None,
) -> VariantResult:
    first = records[0]
    return VariantResult(
        name=name,
        seeds=tuple(record.seed for record in records),
        metrics=quality.metrics if quality else {},
        costs=variant_costs(records, folder_bytes(model_path), latency, target_logloss),
        latency=latency,
        slices=quality.slices if quality else (),
        calibration_bins=quality.calibration_bins if quality else (),
        loss_curve=first.loss_curve,
        eval_curve=first.eval_curve,
        table_bytes=first.table_bytes,
        config=first.config,
    )


def _in_order(results: Sequence[VariantResult], baseline: str) -> list[VariantResult]:
    """The baseline first, then by falling embedding_bytes."""
    return sorted(results, key=lambda r: (r.name != baseline, -r.costs["embedding_bytes"], r.name))


def _data_facts(
    rows: EvalRows, features: Features, facts: PredictionFacts, baseline: TrainingRecord
) -> DataFacts:
    return DataFacts(
        num_train_rows=baseline.train_rows,
        num_eval_rows=facts.num_rows,
        num_eval_clicks=facts.num_clicks,
        vocabulary_sizes=features.vocabulary_sizes,
        num_dense_features=len(features.click_log.dense_features),
        spans=rows.spans,
        fingerprint=rows.fingerprint,
        weight_column=features.click_log.weight,
    )

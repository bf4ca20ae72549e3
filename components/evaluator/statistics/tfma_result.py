"""The metrics in TFMA's result format, for its viewers and thresholds.

The numbers are ours. TFMA's own AUCs come from a fixed number of thresholds, and its average
precision interpolates between them; ours are exact.
"""

import os
import uuid
from collections.abc import Iterable, Mapping

import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from google.protobuf.message import Message
from tensorflow_model_analysis.evaluators import metrics_validator
from tensorflow_model_analysis.metrics.metric_types import MetricKey
from tensorflow_model_analysis.proto import config_pb2, metrics_for_slice_pb2
from tensorflow_model_analysis.slicer import slicer_lib
from tensorflow_model_analysis.writers import metrics_plots_and_validations_writer as writer

from components.evaluator.config import EvaluatorConfig
from components.evaluator.metric_result import Estimate, MetricResult
from components.evaluator.statistics.quality import Quality
from components.files import write_text
from schemas.click_log import LABEL, WEIGHT

_AUC_ROC = "auc_roc"
_NUM_ROWS = "example_count"
# TFMA's patterns, such as `metrics*.tfrecord`, find these.
_FILE = "{}-00000-of-00001.tfrecord"

# `(("frequency of C3", "tail"),)`; empty for all rows.
_SliceKey = tuple[tuple[str, str], ...]


def write_tfma_result(
    output_dir: str,
    qualities: Mapping[str, Quality],
    baseline: str,
    config: EvaluatorConfig,
    are_weighted: bool = False,
) -> None:
    """Writes what `tfma.load_eval_result` and `tfma.load_validation_result` read.

    Each variant is a model. Metrics carry their intervals; `<metric>_diff` is the difference to the
    baseline. The validation holds every other variant's auc_roc against `max_auc_loss`, as TFMA
    does: the estimate itself, not the end of its interval, so it may pass where the choice, which
    wants to be sure, does not.

    Args:
      output_dir: where the files go; it is made where it is missing.
      qualities: variant -> its quality.
      baseline: one of them.
      config: of the comparing step.
      are_weighted: whether the rows have weights; `example_count` is the number of rows even so.
    """
    tf.io.gfile.makedirs(output_dir)
    eval_config = eval_config_of(qualities, baseline, config, are_weighted)
    run = config_pb2.EvalRun(
        eval_config=eval_config,
        version=tfma.version.VERSION,
        model_locations=dict.fromkeys(qualities, ""),
    )
    write_text(os.path.join(output_dir, "eval_config.json"), json_format.MessageToJson(run))
    _write_records(output_dir, "metrics", _metrics_of_slices(qualities))
    _write_records(output_dir, "validations", [_validate(qualities, eval_config)])


def eval_config_of(
    qualities: Mapping[str, Quality],
    baseline: str,
    config: EvaluatorConfig,
    are_weighted: bool = False,
) -> tfma.EvalConfig:
    """Returns TFMA's configuration: models, weights, slices and the threshold of auc_roc."""
    others = [name for name in qualities if name != baseline]
    slices = [each for quality in qualities.values() for each in quality.slices]
    threshold = tfma.MetricThreshold(
        change_threshold=tfma.GenericChangeThreshold(
            absolute={"value": -config.max_auc_loss},
            direction=tfma.MetricDirection.HIGHER_IS_BETTER,
        )
    )
    on_all_rows = tfma.PerSliceMetricThreshold(
        slicing_specs=[tfma.SlicingSpec()], threshold=threshold
    )
    specs = []
    if others:
        thresholds = tfma.PerSliceMetricThresholds(thresholds=[on_all_rows])
        specs = [tfma.MetricsSpec(model_names=others, per_slice_thresholds={_AUC_ROC: thresholds})]
    return tfma.EvalConfig(
        model_specs=[
            tfma.ModelSpec(
                name=name,
                label_key=LABEL,
                prediction_key=name,
                example_weight_key=WEIGHT if are_weighted else "",
                is_baseline=name == baseline,
            )
            for name in qualities
        ],
        metrics_specs=specs,
        slicing_specs=[
            tfma.SlicingSpec(),
            *(tfma.SlicingSpec(feature_keys=[key]) for key in dict.fromkeys(s.key for s in slices)),
        ],
    )


def _metrics_of_slices(
    qualities: Mapping[str, Quality],
) -> Iterable[metrics_for_slice_pb2.MetricsForSlice]:
    found: dict[_SliceKey, dict[str, dict[str, MetricResult]]] = {
        (): {name: quality.metrics for name, quality in qualities.items()}
    }
    num_rows: dict[_SliceKey, int] = {}
    for name, quality in qualities.items():
        num_rows[()] = sum(each.num_rows for each in quality.calibration_bins)
        for each in quality.slices:
            own_key = ((each.key, each.value),)
            found.setdefault(own_key, {})[name] = each.metrics
            num_rows[own_key] = each.num_rows
    for slice_key, metrics in found.items():
        message = metrics_for_slice_pb2.MetricsForSlice(
            slice_key=slicer_lib.serialize_slice_key(slice_key)
        )
        # It belongs to no model: TFMA shows it with each.
        count = message.metric_keys_and_values.add(key=_key(_NUM_ROWS, "").to_proto())
        count.value.double_value.value = num_rows[slice_key]
        for name, results in metrics.items():
            for metric, result in results.items():
                key = _key(metric, name)
                _add(message, key, result.estimate)
                if result.difference:
                    _add(message, key.make_diff_key(), result.difference)
        yield message


def _key(metric: str, model: str) -> MetricKey:
    # Thresholds of a MetricsSpec look for metrics that do not know of example weights.
    return MetricKey(metric, model_name=model, example_weighted=None)


def _add(
    message: metrics_for_slice_pb2.MetricsForSlice, key: MetricKey, estimate: Estimate
) -> None:
    added = message.metric_keys_and_values.add(key=key.to_proto())
    added.value.double_value.value = estimate.value
    interval = added.confidence_interval
    interval.lower_bound.double_value.value = estimate.low
    interval.upper_bound.double_value.value = estimate.high
    interval.standard_error.double_value.value = estimate.standard_error
    if estimate.degrees_of_freedom is not None:
        interval.degrees_of_freedom.value = min(round(estimate.degrees_of_freedom), 2**31 - 1)


def _validate(
    qualities: Mapping[str, Quality], eval_config: tfma.EvalConfig
) -> tfma.ValidationResult:
    """Returns what TFMA's own validator says of the differences on all rows."""
    values = {}
    for name, quality in qualities.items():
        result = quality.metrics[_AUC_ROC]
        key = _key(_AUC_ROC, name)
        values[key] = result.estimate.value
        if result.difference:
            values[key.make_diff_key()] = result.difference.value
    combine = writer.CombineValidations(eval_config)
    checked = metrics_validator.validate_metrics(((), values), eval_config)
    return combine.extract_output(combine.add_input(combine.create_accumulator(), checked))


def _write_records(output_dir: str, kind: str, messages: Iterable[Message]) -> None:
    """Writes a TFRecord file, whole or not at all."""
    path = os.path.join(output_dir, _FILE.format(kind))
    temporary = os.path.join(output_dir, f"{uuid.uuid4().hex}.tmp")
    try:
        with tf.io.TFRecordWriter(temporary) as records:
            for message in messages:
                records.write(message.SerializeToString())
        tf.io.gfile.rename(temporary, path, overwrite=True)
    except BaseException:
        if tf.io.gfile.exists(temporary):
            tf.io.gfile.remove(temporary)
        raise

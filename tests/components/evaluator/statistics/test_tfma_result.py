import json
from pathlib import Path

import apache_beam as beam
import numpy as np
import pandas as pd
import pytest
import tensorflow_model_analysis as tfma

from components.evaluator.config import EvaluatorConfig
from components.evaluator.statistics.quality import measure_quality
from components.evaluator.statistics.tfma_result import write_tfma_result
from tests.components.evaluator.statistics.simulation import Log, write_predictions

CONFIG = EvaluatorConfig(num_resamples=100, max_auc_loss=0.02)


@pytest.fixture(scope="module")
def rows():
    """Labels, predictions and a slice.

    The predictions lie in the middle between TFMA's thresholds, so that it loses nothing.
    """
    random = np.random.default_rng(0)
    log = Log(600, random)
    grid = {
        name: (np.floor(log.predict(noise, random) * 64) + 0.5) / 64
        for name, noise in (("full", 0.3), ("near", 0.31), ("tiny", 2.0))
    }
    return log.labels, grid, [("head", "tail")[row % 3 == 0] for row in range(600)]


@pytest.fixture(scope="module")
def qualities(rows, tmp_path_factory):
    labels, columns, slices = rows
    folder = tmp_path_factory.mktemp("tfma") / "predictions"
    files = write_predictions(folder, labels, columns, {"frequency of C1": slices}, num_files=2)
    return measure_quality(beam.Pipeline, files, {n: [n] for n in columns}, "full", CONFIG)


@pytest.fixture(scope="module")
def written(qualities, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("tfma_result") / "tfma")
    write_tfma_result(folder, qualities, "full", CONFIG)
    return folder


@pytest.fixture(scope="module")
def theirs(rows):
    return by_tfma(rows, "tiny")


def by_tfma(rows, variant, weights=None):
    """Runs TFMA itself; returns slice -> metric -> value."""
    labels, columns, slices = rows
    weight_key = "" if weights is None else "weight"
    frame = pd.DataFrame(
        {
            "label": labels.astype(np.float64),
            "prediction": columns[variant].astype(np.float64),
            "frequency of C1": slices,
            **({} if weights is None else {"weight": weights}),
        }
    )
    metrics = {
        "auc_roc": ("AUC", {"num_thresholds": 65}),
        "auc_pr": ("AUCPrecisionRecall", {"num_thresholds": 65}),
        "logloss": ("BinaryCrossEntropy", {}),
        "calibration": ("Calibration", {}),
        "brier_score": ("MeanSquaredError", {}),
        "accuracy": ("BinaryAccuracy", {}),
        "precision": ("Precision", {}),
        "recall": ("Recall", {}),
        "f1": ("F1Score", {}),
    }
    config = tfma.EvalConfig(
        model_specs=[
            tfma.ModelSpec(
                label_key="label", prediction_key="prediction", example_weight_key=weight_key
            )
        ],
        metrics_specs=[
            tfma.MetricsSpec(
                metrics=[
                    tfma.MetricConfig(class_name=kind, config=json.dumps({"name": name, **options}))
                    for name, (kind, options) in metrics.items()
                ]
            )
        ],
        slicing_specs=[tfma.SlicingSpec(), tfma.SlicingSpec(feature_keys=["frequency of C1"])],
    )
    result = tfma.analyze_raw_data(frame, config)
    return {
        key: {name: value["doubleValue"] for name, value in each.items() if name in metrics}
        for key, each in result.get_metrics_for_all_slices().items()
    }


def test_metrics_agree_with_tfma_on_the_same_rows(theirs, qualities):
    quality = qualities["tiny"]
    ours = {(): quality.metrics} | {((s.key, s.value),): s.metrics for s in quality.slices}
    assert set(ours) == set(theirs)
    assert len(theirs[()]) == 9
    for key, metrics in ours.items():
        for name in set(metrics) & set(theirs[key]) - {"auc_pr"}:
            expected = theirs[key][name]
            assert metrics[name].estimate.value == pytest.approx(expected, abs=1e-6), (key, name)


@pytest.mark.slow
def test_metrics_of_weighted_rows_agree_with_tfma(rows, tmp_path):
    labels, columns, slices = rows
    weights = np.random.default_rng(1).exponential(size=600).astype(np.float32) + np.float32(0.1)
    files = write_predictions(
        tmp_path / "p", labels, columns, {"frequency of C1": slices}, weights=weights
    )
    quality = measure_quality(beam.Pipeline, files, {"tiny": ["tiny"]}, "tiny", CONFIG)["tiny"]
    ours = {(): quality.metrics} | {((s.key, s.value),): s.metrics for s in quality.slices}
    expected = by_tfma(rows, "tiny", weights)
    assert set(ours) == set(expected)
    for key, metrics in ours.items():
        for name in set(metrics) & set(expected[key]) - {"auc_pr"}:
            value = metrics[name].estimate.value
            assert value == pytest.approx(expected[key][name], abs=1e-6), (key, name)


def interpolation_bound(labels, predictions):
    """Returns how far average precision and the interpolated area can be apart, row by row.

    Between two thresholds the precision goes from one value to the next, without turning, where
    false positives grow linearly with true ones; average precision takes the last value. So each
    rise in recall brings at most that rise times the change in precision.
    """
    bound = precision = true = rows = 0.0
    for value in sorted(set(predictions), reverse=True):
        clicks = labels[predictions == value]
        true, rows = true + clicks.sum(), rows + len(clicks)
        change = abs(true / rows - precision) if rows > len(clicks) else 0.0
        bound += clicks.sum() / labels.sum() * change
        precision = true / rows
    return bound


def test_auc_pr_is_as_near_to_tfmas_as_interpolation_allows(rows, theirs, qualities):
    labels, columns, _ = rows
    bound = interpolation_bound(labels, columns["tiny"])
    ours = qualities["tiny"].metrics["auc_pr"].estimate.value
    assert 0 < bound < 0.02
    assert 1e-4 < abs(ours - theirs[()]["auc_pr"]) < bound


def test_result_is_loaded_with_values_and_intervals(qualities, written):
    loaded = tfma.load_eval_result(written, model_name="tiny").get_metrics_for_slice()
    expected = qualities["tiny"].metrics["logloss"]
    for name, estimate in (("logloss", expected.estimate), ("logloss_diff", expected.difference)):
        bounded = loaded[name]["boundedValue"]
        assert bounded["value"] == pytest.approx(estimate.value, abs=1e-12)
        assert bounded["lowerBound"] == pytest.approx(estimate.low, abs=1e-12)
        assert bounded["upperBound"] == pytest.approx(estimate.high, abs=1e-12)


def test_result_is_loaded_by_slice(qualities, written):
    loaded = tfma.load_eval_result(written, model_name="near").get_metrics_for_all_slices()
    assert len(loaded) == 3
    tail = next(each for each in qualities["near"].slices if each.value == "tail")
    found = loaded[("frequency of C1", "tail"),]
    assert found["example_count"]["doubleValue"] == tail.num_rows
    value = found["auc_roc"]["boundedValue"]["value"]
    assert value == pytest.approx(tail.metrics["auc_roc"].estimate.value, abs=1e-12)


def test_result_knows_all_models_and_the_baseline(written):
    config = tfma.load_eval_result(written, model_name="full").config
    assert {spec.name: spec.is_baseline for spec in config.model_specs} == {
        "full": True,
        "near": False,
        "tiny": False,
    }


def test_result_of_weighted_rows_names_the_weight_and_counts_rows(qualities, tmp_path):
    folder = str(tmp_path / "tfma")
    write_tfma_result(folder, qualities, "full", CONFIG, are_weighted=True)
    loaded = tfma.load_eval_result(folder, model_name="tiny")
    assert {spec.example_weight_key for spec in loaded.config.model_specs} == {"weight"}
    metrics = loaded.get_metrics_for_slice()
    assert metrics["example_count"]["doubleValue"] == 600
    expected = qualities["tiny"].metrics["auc_roc"].estimate.value
    assert metrics["auc_roc"]["boundedValue"]["value"] == pytest.approx(expected, abs=1e-12)
    assert not tfma.load_validation_result(folder).validation_ok


def test_result_is_shown_by_the_viewer(written):
    result = tfma.load_eval_result(written, model_name="tiny")
    viewer = tfma.view.render_slicing_metrics(result, slicing_column="frequency of C1")
    assert {row["slice"] for row in viewer.data} == {
        "frequency of C1:head",
        "frequency of C1:tail",
    }


def test_validation_fails_the_variant_that_loses_too_much(qualities, written):
    found = tfma.load_validation_result(written)
    assert not found.validation_ok
    (checked,) = found.metric_validations_per_slice
    (failure,) = checked.failures
    assert (failure.metric_key.model_name, failure.metric_key.is_diff) == ("tiny", True)
    assert failure.metric_value.double_value.value == pytest.approx(
        qualities["tiny"].metrics["auc_roc"].difference.value
    )
    assert failure.metric_threshold.change_threshold.absolute.value == -CONFIG.max_auc_loss


def test_validation_passes_where_all_variants_lose_little(qualities, tmp_path):
    kept = {name: qualities[name] for name in ("full", "near")}
    write_tfma_result(str(tmp_path / "tfma"), kept, "full", CONFIG)
    assert tfma.load_validation_result(str(tmp_path / "tfma")).validation_ok


def test_result_is_three_whole_files(written):
    assert sorted(path.name for path in Path(written).iterdir()) == [
        "eval_config.json",
        "metrics-00000-of-00001.tfrecord",
        "validations-00000-of-00001.tfrecord",
    ]

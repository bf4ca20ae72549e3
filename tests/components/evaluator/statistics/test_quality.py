import logging
from pathlib import Path

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from components.evaluator.config import EvaluatorConfig
from components.evaluator.statistics.quality import measure_quality
from components.progress import PROGRESS_LOGGER
from tests.components.evaluator.statistics.simulation import Log, compare, write_predictions

VARIANTS = {"full": ("full", "full:1"), "tiny": ("tiny", "tiny:1")}
CONFIG = EvaluatorConfig(num_resamples=1200, resample_seed=9)


def two_threads():
    options = ["--direct_running_mode=multi_threading", "--direct_num_workers=2"]
    return beam.Pipeline(options=PipelineOptions(options))


@pytest.fixture(scope="module")
def log():
    return Log(900, np.random.default_rng(0))


@pytest.fixture(scope="module")
def columns(log):
    random = np.random.default_rng(1)
    noises = {"full": 0.3, "tiny": 0.9}
    return {
        column: log.predict(noises[name], random)
        for name, group in VARIANTS.items()
        for column in group
    }


@pytest.fixture(scope="module")
def files(tmp_path_factory, log, columns):
    folder = tmp_path_factory.mktemp("quality") / "predictions"
    # More keys than a piece of work has.
    slices = {f"C{i}": [f"{(row * i) % 5}" for row in range(900)] for i in range(1, 17)}
    return write_predictions(folder, log.labels, columns, slices, num_files=3)


@pytest.fixture(scope="module")
def measured(files):
    return measure_quality(beam.Pipeline, files, VARIANTS, "full", CONFIG)


def test_metrics_do_not_depend_on_files_and_pieces(measured, log, columns):
    predictions = {name: [columns[each] for each in group] for name, group in VARIANTS.items()}
    expected = compare(log.labels, predictions, num_resamples=1200, seed=9)
    for name, metrics in expected.items():
        for metric, result in metrics.items():
            found = measured[name].metrics[metric].model_dump()
            for field, value in result.model_dump().items():
                assert found[field] == pytest.approx(value, rel=1e-9), (name, metric, field)


def test_several_workers_find_the_same(measured, files):
    assert measure_quality(two_threads, files, VARIANTS, "full", CONFIG) == measured


def test_slices_are_in_natural_order_and_each_is_there_once(measured):
    expected = [(f"C{key}", f"{value}") for key in range(1, 17) for value in range(5)]
    for quality in measured.values():
        # (row * 5) % 5 is 0, and so are those of 10 and 15.
        found = [(each.key, each.value) for each in quality.slices]
        assert found == [
            (key, value)
            for key, value in expected
            if key not in ("C5", "C10", "C15") or value == "0"
        ]


def test_a_slice_of_all_rows_has_the_overall_values(measured):
    for quality in measured.values():
        whole = next(each for each in quality.slices if each.key == "C5")
        assert whole.num_rows == 900
        for name, result in whole.metrics.items():
            expected = quality.metrics[name].estimate.value
            assert result.estimate.value == pytest.approx(expected, abs=1e-12)


def test_calibration_bins_are_those_of_the_first_replica(measured, columns):
    bins = measured["tiny"].calibration_bins
    assert [each.num_rows for each in bins] == [45] * 20
    expected = np.sort(columns["tiny"].astype(np.float64)).reshape(20, 45).mean(axis=1)
    np.testing.assert_allclose([each.mean_prediction for each in bins], expected)


def test_nothing_but_the_predictions_is_left_behind(measured, files):
    assert measured
    folder = Path(files[0]).parent
    assert sorted(p.name for p in folder.iterdir()) == [Path(path).name for path in files]


def test_predictions_without_slices_and_other_variants_have_metrics_only(tmp_path, log, columns):
    files = write_predictions(tmp_path / "p", log.labels, {"full": columns["full"]})
    config = EvaluatorConfig(num_resamples=100)
    found = measure_quality(beam.Pipeline, files, {"full": ["full"]}, "full", config)
    assert found["full"].slices == ()
    assert found["full"].metrics["auc_roc"].difference is None
    assert found["full"].metrics["auc_roc"].seed_error is None


def test_progress_counts_the_parts(tmp_path, log, columns, caplog):
    files = write_predictions(tmp_path / "p", log.labels, {"full": columns["full"]})
    config = EvaluatorConfig(num_resamples=1200)
    with caplog.at_level(logging.INFO, logger=PROGRESS_LOGGER):
        measure_quality(beam.Pipeline, files, {"full": ["full"]}, "full", config)
    assert [each.getMessage() for each in caplog.records if each.name == PROGRESS_LOGGER] == [
        "statistics: 1 of 2 parts",
        "statistics: 2 of 2 parts",
    ]

"""Two tiny models on the same rows, against scikit-learn and NumPy."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from components.errors import InputError
from components.evaluator.config import EvaluatorConfig
from components.evaluator.measures import METRICS
from components.features import Features, write_features
from components.parquet import list_files
from components.training_record import read_training_record
from pipeline.compare.measure import Measured, costs, measure
from pipeline.compare.result import CostPair
from schemas.criteo import CLICK_LOG
from tests.components.evaluator.tiny import save_model, save_training, write_split
from tests.pipeline.compare.recorded import eval_rows, expected_scores, labels

CONFIG = EvaluatorConfig(num_resamples=400, confidence=0.9, batch_size=256)
ROWS = eval_rows(seed=5)
WEIGHTS = {"A": 0.25, "B": -0.1}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("models")
    return {name: str(save_model(folder / name, w)) for name, w in WEIGHTS.items()}


def run(models: dict[str, str], folder: Path, *tables: pa.Table) -> Measured:
    files = list_files(write_split(folder / "rows", *tables))
    features = Features(click_log=CLICK_LOG, dense_width=1, vocabulary_sizes={"C1": 3})
    write_features(str(folder), features)
    return measure(models, files, str(folder), CONFIG, str(folder))


@pytest.fixture(scope="module")
def measured(models: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Measured:
    return run(models, tmp_path_factory.mktemp("run"), ROWS.slice(0, 350), ROWS.slice(350))


def test_every_metric_is_measured_for_both(measured: Measured) -> None:
    assert list(measured.metrics) == list(METRICS)
    assert measured.facts.num_rows == len(ROWS)
    assert measured.facts.num_clicks == labels(ROWS).sum()


@pytest.mark.parametrize(("metric", "twin"), [("auc_roc", roc_auc_score), ("logloss", log_loss)])
def test_values_and_their_difference_are_those_of_the_same_rows(measured, metric, twin) -> None:
    a, b = (twin(labels(ROWS), expected_scores(ROWS, weight)) for weight in WEIGHTS.values())
    pair = measured.metrics[metric]
    # The last bit of a float32 may part rows that are tied in float64.
    assert pair.a.value == pytest.approx(a, abs=1e-4)
    assert pair.b.estimate.value == pytest.approx(b, abs=1e-4)
    exact = pair.b.estimate.value - pair.a.value
    assert pair.difference.value == pytest.approx(exact, abs=1e-12)


def test_the_interval_of_the_difference_is_paired_and_has_the_confidence(measured) -> None:
    """The error of a mean difference of losses, and 1.645 of it on either side."""
    losses = []
    for weight in WEIGHTS.values():
        scores = expected_scores(ROWS, weight)
        losses.append(-np.log(np.where(labels(ROWS) == 1, scores, 1 - scores)))
    expected = np.std(losses[1] - losses[0]) / np.sqrt(len(ROWS))
    unpaired = np.hypot(np.std(losses[0]), np.std(losses[1])) / np.sqrt(len(ROWS))
    difference = measured.metrics["logloss"].difference
    assert difference.standard_error == pytest.approx(expected, rel=0.15)
    assert abs(unpaired / expected - 1) > 0.2
    half = (difference.high - difference.low) / 2
    assert half == pytest.approx(1.645 * difference.standard_error, rel=1e-3)


def test_a_model_that_predicts_no_numbers_is_refused(models, tmp_path: Path) -> None:
    bad = save_model(tmp_path / "model", float("nan"))
    with pytest.raises(InputError, match="the model of run B predicts values that are not numbers"):
        run(models | {"B": str(bad)}, tmp_path, ROWS)


def test_rows_of_one_class_are_refused(models, tmp_path: Path) -> None:
    clicks = ROWS.filter(labels(ROWS) == 1)
    with pytest.raises(InputError, match="labels are 1"):
        run(models, tmp_path, clicks)


def test_costs_are_the_sizes_of_both(models, tmp_path: Path) -> None:
    records = {
        name: read_training_record(str(save_training(tmp_path / name, num_bytes)))
        for name, num_bytes in (("A", 4_000), ("B", 1_000))
    }
    found = costs(records, models)
    assert list(found) == ["embedding_bytes", "serving_bytes", "num_parameters"]
    assert found["embedding_bytes"] == CostPair(a=4_000, b=1_000)
    sizes = [
        sum(f.stat().st_size for f in Path(p).rglob("*") if f.is_file()) for p in models.values()
    ]
    assert found["serving_bytes"] == CostPair(a=sizes[0], b=sizes[1])

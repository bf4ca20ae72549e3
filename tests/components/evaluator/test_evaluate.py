import json
import math

import apache_beam as beam
import pytest

from components.errors import InputError
from components.evaluator.comparison import Comparison
from components.evaluator.config import EvaluatorConfig
from components.evaluator.evaluate import VariantInput, evaluate
from tests.components.evaluator.tiny import (
    click_log,
    raw_rows,
    save_model,
    save_training,
    write_split,
)

# Labels follow sigmoid(I1 / 4 - 1): any positive weight ranks rows alike, a negative one reverses.
WEIGHTS = {"full": 0.25, "hashing": 0.5, "reversed": -0.25, "broken": math.nan}
BYTES = {"full": 4000, "hashing": 1000, "reversed": 100, "broken": 10}


@pytest.fixture(scope="module")
def variants(tmp_path_factory) -> dict[str, VariantInput]:
    folder = tmp_path_factory.mktemp("variants")
    return {
        name: VariantInput(
            model_path=str(save_model(folder / "models" / name, weight)),
            model_run_uri=str(save_training(folder / "runs" / name, BYTES[name])),
        )
        for name, weight in WEIGHTS.items()
    }


def run(tmp_path, variants, names, rows=None, **config):
    rows = click_log(2000, seed=3) if rows is None else rows
    comparison_dir = tmp_path / "comparison"
    comparison_dir.mkdir()
    return evaluate(
        beam.Pipeline,
        write_split(tmp_path / "split", rows.slice(0, 700), rows.slice(700)),
        {name: variants[name] for name in names},
        EvaluatorConfig(**config),
        str(comparison_dir),
        str(tmp_path / "predictions"),
    )


@pytest.fixture(scope="module")
def outcome(tmp_path_factory, variants):
    folder = tmp_path_factory.mktemp("outcome")
    return folder, run(folder, variants, list(WEIGHTS), best_auc_roc=0.9)


def test_evaluate_chooses_the_smallest_good_variant(outcome):
    assert outcome[1].chosen == "hashing"


def test_evaluate_orders_the_variants_by_size_after_the_baseline(outcome):
    names = [result.name for result in outcome[1].variants]
    assert names == ["full", "hashing", "reversed", "broken"]


def test_evaluate_measures_the_reversed_model_below_one_half(outcome):
    full, reversed_ = outcome[1].variant("full"), outcome[1].variant("reversed")
    assert full.auc_roc > 0.6
    assert reversed_.auc_roc == pytest.approx(1 - full.auc_roc, abs=1e-6)


def test_evaluate_normalizes_logloss_by_the_entropy_of_the_click_rate(outcome):
    rate = outcome[1].click_rate
    entropy = -rate * math.log(rate) - (1 - rate) * math.log(1 - rate)
    full = outcome[1].variant("full")
    assert full.normalized_entropy == pytest.approx(full.logloss / entropy, rel=1e-9)


def test_evaluate_reports_a_diverged_variant_without_metrics(outcome):
    broken = outcome[1].variant("broken")
    assert broken.diverged
    assert math.isnan(broken.logloss)
    assert broken.embedding_bytes == 10


def test_evaluate_writes_what_it_returns(outcome):
    folder, returned = outcome
    text = (folder / "comparison/comparison.json").read_text()
    # NaN differs from itself, so compare the texts.
    assert Comparison.from_json(text).to_json() == returned.to_json()
    assert json.loads(text)["variants"][0]["train_examples_per_second"] == 256.0


def test_evaluate_writes_the_page_and_leaves_no_temporary_file(outcome):
    names = {path.name for path in (outcome[0] / "comparison").iterdir()}
    assert names == {"comparison.json", "index.html", "tfma"}
    page = (outcome[0] / "comparison/index.html").read_text()
    assert f"<h1>{outcome[1].reason}</h1>" in page


def test_evaluate_of_one_class_only_is_refused(tmp_path, variants):
    rows = raw_rows([0, 0, 0], [1, 2, 3], [None] * 3)
    with pytest.raises(InputError, match="all 3 labels are 0"):
        run(tmp_path, variants, ["full"], rows)


def test_evaluate_of_an_unknown_baseline_is_refused_before_any_prediction(tmp_path, variants):
    with pytest.raises(InputError, match="received 'robe'"):
        run(tmp_path, variants, ["full"], baseline="robe")
    assert not (tmp_path / "predictions").exists()


def test_evaluate_of_a_diverged_baseline_is_refused(tmp_path, variants):
    with pytest.raises(InputError, match="'broken' diverged"):
        run(tmp_path, variants, ["full", "broken"], baseline="broken")


def test_evaluate_of_a_model_without_the_signature_names_its_variant(tmp_path, variants):
    path = save_model(tmp_path / "model", 1.0, signature="other")
    odd = variants["hashing"].model_copy(update={"model_path": str(path)})
    with pytest.raises(InputError, match="variant 'hashing'"):
        run(tmp_path, variants | {"hashing": odd}, ["full", "hashing"])


def test_evaluate_without_a_training_record_is_refused_before_any_prediction(tmp_path, variants):
    odd = variants["hashing"].model_copy(update={"model_run_uri": str(tmp_path)})
    with pytest.raises(InputError, match=r"training\.json: not found"):
        run(tmp_path, variants | {"hashing": odd}, ["full", "hashing"])
    assert not (tmp_path / "predictions").exists()

import json

import pytest

from components.evaluator.metric_result import Estimate
from components.evaluator.report.model_card import model_card, model_card_markdown
from tests.components.evaluator.report.sample import sample_comparison, with_embedding_bytes


@pytest.fixture(scope="module")
def card():
    return model_card(sample_comparison())


def test_card_has_the_toolkits_sections(card):
    assert list(card) == [
        "schema_version",
        "model_details",
        "model_parameters",
        "quantitative_analysis",
        "considerations",
    ]
    assert set(card["considerations"]) == {
        "users",
        "use_cases",
        "limitations",
        "tradeoffs",
        "ethical_considerations",
    }


def test_card_is_json(card):
    assert json.loads(json.dumps(card, allow_nan=False)) == card


def test_card_names_model_and_run(card):
    assert card["model_details"]["name"] == "unified_int4"
    assert card["model_details"]["version"] == {"name": "20260117T101500"}


def test_card_holds_the_metrics_with_intervals(card):
    metric = card["quantitative_analysis"]["performance_metrics"][0]
    assert metric["type"] == "auc_roc"
    assert metric["value"] == pytest.approx(0.7975 - 0.0009)
    low, high = metric["confidence_interval"].values()
    assert (low, high) == pytest.approx((0.7966 - 1.96 * 0.0017, 0.7966 + 1.96 * 0.0017))


def test_card_holds_the_metrics_of_slices(card):
    metrics = card["quantitative_analysis"]["performance_metrics"]
    sliced = [metric["slice"] for metric in metrics if "slice" in metric]
    assert len(sliced) == 4 * (26 * 5 - 2 + 6 + 4 + 2)
    assert "frequency of C3 = tail" in sliced


def test_card_describes_both_splits(card):
    texts = [data["description"] for data in card["model_parameters"]["data"]]
    assert texts[0].startswith("400,000 rows of click logs. Spans: 2026-01-15, 2026-01-16.")
    assert texts[1] == "100,000 rows, 25,518 clicks (click rate 0.2552)."


def test_card_weighs_size_against_quality(card):
    (tradeoff,) = card["considerations"]["tradeoffs"]
    assert "10.0x smaller than those of full" in tradeoff["description"]
    assert "-0.0009 ±0.0011" in tradeoff["description"]


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (9_197_440, "Embeddings 5.0x larger than those of full, for a difference"),
        (0, "No embedding table, for a difference"),
        (1_839_488, "Embeddings of about the same size as those of full, for a difference"),
        (None, "Embeddings of a size that was not compared, for a difference"),
    ],
)
def test_card_of_embeddings_that_are_not_smaller_does_not_call_them_so(size, text):
    card = model_card(with_embedding_bytes(sample_comparison(), size))
    (tradeoff,) = card["considerations"]["tradeoffs"]
    assert tradeoff["description"].startswith(text)


def test_card_of_the_baseline_says_that_nothing_is_approximated():
    (tradeoff,) = model_card(sample_comparison(chosen="full"))["considerations"]["tradeoffs"]
    assert tradeoff["description"] == "It is the baseline full itself."


def test_card_without_a_choice_is_refused():
    with pytest.raises(ValueError, match="expected a comparison with a chosen variant"):
        model_card(sample_comparison(5, chosen=None))


def test_card_markdown_of_a_bound_that_rounds_to_zero_has_no_minus():
    comparison = sample_comparison(1, chosen="full")
    full = comparison.variants[0]
    error = full.metrics["expected_calibration_error"]
    bound = error.estimate.model_copy(update={"low": -0.00001})
    metrics = {"expected_calibration_error": error.model_copy(update={"estimate": bound})}
    changed = full.model_copy(update={"metrics": metrics})
    text = model_card_markdown(comparison.model_copy(update={"variants": (changed,)}))
    assert "| expected_calibration_error | 0.0112 | 0.0000 |" in text


def test_card_says_that_generated_rows_are(card):
    (train, _) = card["model_parameters"]["data"]
    assert train["description"].endswith(
        "The rows are generated, not logged: no model can reach more than auc_roc 0.8077 on them."
    )


def test_card_of_logged_rows_does_not_call_them_generated():
    logged = sample_comparison().model_copy(update={"best_auc_roc": None})
    assert "generated" not in model_card_markdown(logged)


def test_card_says_that_rows_are_weighted():
    comparison = sample_comparison()
    data = comparison.data.model_copy(update={"weight_column": "value"})
    text = model_card_markdown(comparison.model_copy(update={"data": data}))
    assert "Rows are weighted by the log's column value:" in text
    assert "weighted" not in model_card_markdown(comparison)


def test_card_of_a_metric_without_an_interval_shows_none():
    comparison = sample_comparison(1, chosen="full")
    full = comparison.variants[0]
    none = Estimate(value=0.0, standard_error=0.0, low=0.0, high=0.0)
    precision = full.metrics["precision"].model_copy(update={"estimate": none})
    changed = full.model_copy(update={"metrics": {"precision": precision}, "slices": ()})
    shown = comparison.model_copy(update={"variants": (changed,)})
    assert model_card(shown)["quantitative_analysis"]["performance_metrics"] == [
        {"type": "precision", "value": 0.0}
    ]
    assert "| precision | 0.0000 | – | – |" in model_card_markdown(shown)


def test_card_markdown_shows_each_metric_once():
    text = model_card_markdown(sample_comparison())
    assert text.startswith("# Model card: unified_int4\n")
    assert text.count("| auc_roc | 0.7966 | 0.7933 | 0.7999 |") == 1

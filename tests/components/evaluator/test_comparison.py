import json

import pytest
from pydantic import ValidationError

from components.evaluator.comparison import Comparison, DataFacts
from tests.components.evaluator.tiny import diverged, result


def comparison(*variants, **fields):
    facts = {
        "num_train_rows": 80_000,
        "num_eval_rows": 20_000,
        "num_eval_clicks": 5_000,
        "vocabulary_sizes": {"C1": 30},
        "num_dense_features": 13,
    }
    values = {
        "baseline": variants[0].name,
        "chosen": variants[0].name,
        "reason": "Ship it.",
        "objective": "embedding_bytes",
        "confidence": 0.95,
        "num_resamples": 1000,
        "threshold": 0.5,
        "data": DataFacts(**facts),
        "variants": variants,
    }
    return Comparison(**{**values, **fields})


FULL = result("full", 0.8, 4000)


def test_json_round_trip_keeps_every_value():
    before = comparison(FULL, result("a", 0.7, 10, -0.1, 0.01), best_auc_roc=0.81)
    assert Comparison.from_json(before.to_json()) == before


def test_json_of_a_diverged_variant_has_no_metrics():
    text = comparison(FULL, diverged("a", 10)).to_json()
    assert json.loads(text)["variants"][1]["metrics"] == {}
    assert Comparison.from_json(text).variant("a").diverged


def test_json_without_a_choice_says_null():
    assert json.loads(comparison(FULL, chosen=None).to_json())["chosen"] is None


def test_json_with_an_unknown_field_is_refused():
    values = json.loads(comparison(FULL).to_json())
    with pytest.raises(ValidationError, match="winner"):
        Comparison.from_json(json.dumps(values | {"winner": "full"}))


def test_variant_with_an_unknown_name_is_a_key_error():
    with pytest.raises(KeyError, match="robe"):
        comparison(FULL).variant("robe")


def test_a_measure_is_a_metric_a_cost_or_none():
    variant = result("a", 0.7, 10, serving_bytes=5.0)
    assert variant.measure("auc_roc") == 0.7
    assert variant.measure("serving_bytes") == 5.0
    assert variant.measure("train_seconds") is None


def test_click_rate_is_that_of_the_eval_rows():
    assert comparison(FULL).data.click_rate == 0.25

import json
import math

import pytest
from pydantic import ValidationError

from components.evaluator.comparison import Comparison
from tests.components.evaluator.tiny import comparison, result

VARIANT_FIELDS = {
    "name",
    "auc_roc",
    "logloss",
    "normalized_entropy",
    "calibration",
    "num_parameters",
    "embedding_bytes",
    "saved_model_bytes",
    "train_seconds",
    "train_examples_per_second",
}


def test_json_has_the_fields_that_readers_rely_on():
    written = json.loads(comparison(result("full", 0.8, 4000), chosen="full").to_json())
    assert {"baseline", "chosen", "variants"} <= set(written)
    assert (written["baseline"], written["chosen"]) == ("full", "full")
    assert set(written["variants"][0]) == VARIANT_FIELDS


def test_json_round_trip_keeps_every_value():
    before = comparison(
        result("full", 0.8, 4000), result("a", 0.7, 10), chosen="full", best_auc_roc=0.81
    )
    assert Comparison.from_json(before.to_json()) == before


def test_json_of_a_diverged_variant_is_null_and_comes_back_as_nan():
    bad = result("a", math.nan, 10)
    text = comparison(result("full", 0.8, 4000), bad, chosen="full").to_json()
    assert json.loads(text)["variants"][1]["auc_roc"] is None
    assert Comparison.from_json(text).variant("a").diverged


def test_json_with_an_unknown_field_is_refused():
    values = json.loads(comparison(result("full", 0.8, 4000), chosen="full").to_json())
    with pytest.raises(ValidationError, match="winner"):
        Comparison.from_json(json.dumps(values | {"winner": "full"}))


def test_variant_with_an_unknown_name_is_a_key_error():
    with pytest.raises(KeyError, match="robe"):
        comparison(result("full", 0.8, 4000), chosen="full").variant("robe")

import json

import jsonschema
import pytest

from components.evaluator.report.json_schema import SCHEMA_PATH, json_schema, schema_text
from tests.components.evaluator.report.sample import sample_comparison


@pytest.fixture(scope="module")
def validator():
    return jsonschema.Draft202012Validator(json.loads(SCHEMA_PATH.read_text()))


@pytest.fixture
def written():
    return json.loads(sample_comparison(2, num_seeds=2, chosen="full").to_json())


def test_published_schema_is_in_step():
    assert SCHEMA_PATH.read_text() == schema_text(), (
        "run python -m components.evaluator.report.json_schema"
    )


def test_schema_is_valid_draft_2020_12():
    assert json_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_schema_takes_a_written_comparison(validator, written):
    assert list(validator.iter_errors(written)) == []


def test_schema_refuses_an_unknown_field(validator, written):
    written["variants"][0]["auc"] = 0.5
    errors = list(validator.iter_errors(written))
    assert [list(error.absolute_path) for error in errors] == [["variants", 0]]


def test_schema_refuses_a_missing_field(validator, written):
    del written["data"]["num_eval_rows"]
    assert ["num_eval_rows" in error.message for error in validator.iter_errors(written)] == [True]

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.errors import InputError
from components.example_validator.config import GuardConfig
from components.example_validator.guards import guarded_schema

SCHEMA = text_format.Parse(
    """
    feature { name: "label" type: INT int_domain { min: 0 max: 1 } }
    feature { name: "age" type: INT presence { min_count: 1 } }
    feature { name: "price" type: FLOAT presence { min_count: 1 } }
    feature { name: "site" type: BYTES presence { min_count: 1 } }
    """,
    schema_pb2.Schema(),
)


def _guard(**columns):
    guarded = guarded_schema(SCHEMA, GuardConfig.model_validate({"columns": columns}))
    return {feature.name: feature for feature in guarded.feature}


def test_schema_without_rules_stays_as_it_is():
    assert guarded_schema(SCHEMA, GuardConfig()) == SCHEMA


def test_bounds_of_an_integer_become_the_integers_between():
    age = _guard(age={"min_value": 0.5, "max_value": 99.5})["age"]
    assert (age.int_domain.min, age.int_domain.max) == (1, 99)


def test_bounds_of_an_integer_beyond_int64_are_cut():
    age = _guard(age={"min_value": -1e30, "max_value": 1e30})["age"]
    assert (age.int_domain.min, age.int_domain.max) == (-(2**63), 2**63 - 1)


def test_one_bound_leaves_the_other_open():
    price = _guard(price={"max_value": 2.5})["price"]
    assert price.float_domain.max == 2.5
    assert not price.float_domain.HasField("min")


def test_presence_keeps_its_count_and_gets_a_fraction():
    features = _guard(site={"min_present_fraction": 0.9})
    assert features["site"].presence == schema_pb2.FeaturePresence(min_fraction=0.9, min_count=1)
    assert features["age"] == SCHEMA.feature[1]


@pytest.mark.parametrize("column", ["label", "nope"])
def test_rule_for_no_feature_is_an_input_error(column):
    with pytest.raises(InputError, match=rf"example_validator\.columns\.{column}: no such feature"):
        _guard(**{column: {"max_drift": 0.5}})


def test_bounds_of_a_category_are_an_input_error():
    with pytest.raises(InputError, match=r"columns\.site: .*dense features; known: age, price"):
        _guard(site={"min_value": 1})

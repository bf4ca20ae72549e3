from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

from components.example_validator.anomalies import (
    add_reason,
    describe,
    merge,
    name_rules,
    set_severity,
)
from components.example_validator.config import ColumnGuard

_INFO = anomalies_pb2.AnomalyInfo
SCHEMA = text_format.Parse(
    """
    feature { name: "age" type: INT int_domain { min: 0 } }
    feature { name: "site" type: BYTES }
    """,
    schema_pb2.Schema(),
)


def _anomalies(column, kind, description="found", rule="Short words"):
    anomalies = anomalies_pb2.Anomalies()
    add_reason(anomalies, column, kind, rule, description)
    return anomalies


def test_no_anomaly_has_no_line():
    assert describe("train", anomalies_pb2.Anomalies()) == []


def test_line_names_split_column_and_rule():
    anomalies = _anomalies("age", _INFO.UNKNOWN_TYPE, "too old.", "max_value")
    assert describe("eval", anomalies) == ["split eval, column age, rule max_value: too old."]


def test_columns_come_in_name_order_and_every_reason_has_a_line():
    anomalies = _anomalies("b", _INFO.UNKNOWN_TYPE, "1", "r")
    add_reason(anomalies, "a", _INFO.UNKNOWN_TYPE, "s", "2")
    add_reason(anomalies, "b", _INFO.UNKNOWN_TYPE, "t", "3")
    assert [line.split(", column ")[1] for line in describe("x", anomalies)] == [
        "a, rule s: 2",
        "b, rule r: 1",
        "b, rule t: 3",
    ]


def test_line_tells_of_the_dataset_as_a_whole():
    text = 'dataset_anomaly_info { description: "Too few examples." }'
    anomalies = text_format.Parse(text, anomalies_pb2.Anomalies())
    assert describe("train", anomalies) == ["split train: Too few examples."]


def test_rule_of_the_configuration_is_named_with_its_limit():
    found = _anomalies("age", _INFO.INT_TYPE_SMALL_INT, "Unexpectedly small value: -1.")
    [reason] = (
        name_rules(found, SCHEMA, {"age": ColumnGuard(min_value=0)}).anomaly_info["age"].reason
    )
    assert reason.short_description == "min_value"
    assert reason.description == "Unexpectedly small value: -1, allowed: from 0."


def test_rule_of_the_layout_keeps_the_words_of_tfdv():
    found = _anomalies("site", _INFO.FEATURE_TYPE_LOW_FRACTION_PRESENT)
    named = name_rules(found, SCHEMA, {"site": ColumnGuard(max_drift=0.5)})
    assert named.anomaly_info["site"] == found.anomaly_info["site"]


def test_merge_keeps_the_worst_severity():
    error, warning = (_anomalies("a", _INFO.UNKNOWN_TYPE) for _ in range(2))
    set_severity(error, _INFO.ERROR)
    set_severity(warning, _INFO.WARNING)
    assert merge(error, warning).anomaly_info["a"].severity == _INFO.ERROR
    assert merge(warning, error).anomaly_info["a"].severity == _INFO.ERROR


def test_merge_keeps_columns_reasons_and_measurements_of_both():
    first = _anomalies("a", _INFO.INT_TYPE_SMALL_INT, "small.", "r")
    second = _anomalies("a", _INFO.COMPARATOR_L_INFTY_HIGH, "drifts.", "s")
    add_reason(second, "b", _INFO.COMPARATOR_L_INFTY_HIGH, "t", "too.")
    set_severity(second, _INFO.WARNING)
    second.drift_skew_info.add().path.step.append("b")
    merged = merge(first, second)
    assert merged.anomaly_info["a"].description == "small. drifts."
    assert merged.anomaly_info["a"].short_description == "Multiple errors"
    assert merged.anomaly_info["b"] == second.anomaly_info["b"]
    assert list(merged.drift_skew_info) == list(second.drift_skew_info)
    assert len(first.anomaly_info["a"].reason) == 1

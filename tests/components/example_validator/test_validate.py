import pytest
from tensorflow_metadata.proto.v0 import anomalies_pb2

from components.errors import InputError
from components.example_validator.config import GuardConfig
from components.example_validator.validate import validate
from components.schema_gen.schema import make_schema
from tests.components.example_validator.splits import CLICK_LOG, split_statistics

WARNING = anomalies_pb2.AnomalyInfo.WARNING
ERROR = anomalies_pb2.AnomalyInfo.ERROR


def _validate(statistics, evaluation, **config):
    pair = {"train": statistics["train"], "eval": statistics[evaluation]}
    return validate(pair, make_schema(CLICK_LOG), GuardConfig.model_validate(config))


def test_rows_that_fit_have_no_anomaly(statistics):
    verdict = _validate(statistics, "eval")
    assert (verdict.errors, verdict.warnings) == ([], [])
    assert not any(found.anomaly_info for found in verdict.anomalies.values())


def test_label_out_of_range_is_an_error_with_its_value_and_its_range(statistics):
    [line] = _validate(statistics, "bad_label").errors
    assert line.startswith("split eval, column label, rule ")
    assert line.endswith("Unexpectedly large value: 2, allowed: from 0 to 1.")


def test_missing_label_is_an_error(statistics):
    lines = _validate(statistics, "no_label").errors
    assert all(line.startswith("split eval, column label, ") for line in lines)
    assert "minimum fraction = 1.000000, actual = 0.500000" in lines[-1]


def test_empty_columns_are_errors_whatever_drift_may_do(statistics):
    verdict = _validate(statistics, "empty", on_drift="ignore")
    assert {line.split(", ")[1] for line in verdict.errors} == {"column price", "column site"}
    assert verdict.warnings == []


@pytest.mark.parametrize(
    ("column", "rules", "text"),
    [
        ("age", {"max_value": 50}, "rule max_value: Unexpectedly large value: 99, allowed: to 50."),
        ("age", {"min_value": 1}, "rule min_value: Unexpectedly small value: 0, allowed: from 1."),
        ("price", {"max_value": 9.5}, "rule max_value: Unexpectedly high value: 99.9>9.5"),
        ("price", {"min_value": 0.5}, "rule min_value: Unexpectedly low values: 0<0.5"),
    ],
)
def test_bounds_of_a_column_are_held_in_both_splits(statistics, column, rules, text):
    errors = _validate(statistics, "eval", columns={column: rules}).errors
    assert [line.split(", rule")[0] for line in errors] == [
        f"split train, column {column}",
        f"split eval, column {column}",
    ]
    assert all(text in line for line in errors)


def test_share_of_present_values_may_be_asked_for(statistics):
    columns = {"age": {"min_present_fraction": 0.8, "max_missing_rate_change": 1}}
    [line] = _validate(statistics, "some_missing", columns=columns).errors
    assert line.startswith("split eval, column age, rule min_present_fraction: ")
    assert "0.8" in line
    assert "0.7" in line


def test_anomalies_only_warn_if_told_so(statistics):
    verdict = _validate(statistics, "bad_label", on_anomaly="warn")
    assert verdict.errors == []
    assert len(verdict.warnings) == 1
    assert verdict.anomalies["eval"].anomaly_info["label"].severity == WARNING


@pytest.mark.parametrize(
    ("on_drift", "num_errors", "num_warnings", "severity"),
    [("fail", 1, 0, ERROR), ("warn", 0, 1, WARNING)],
)
def test_drift_does_what_it_is_told_to(statistics, on_drift, num_errors, num_warnings, severity):
    verdict = _validate(statistics, "new_shares", on_drift=on_drift)
    assert (len(verdict.errors), len(verdict.warnings)) == (num_errors, num_warnings)
    assert verdict.anomalies["eval"].anomaly_info["site"].severity == severity


def test_ignored_drift_is_measured_and_is_no_anomaly(statistics):
    verdict = _validate(statistics, "new_shares", on_drift="ignore")
    assert (verdict.errors, verdict.warnings) == ([], [])
    assert not verdict.anomalies["eval"].anomaly_info
    measured = verdict.anomalies["eval"].drift_skew_info
    assert sorted(info.path.step[0] for info in measured) == ["age", "price", "site"]


def test_anomaly_and_drift_of_one_column_are_both_kept(statistics):
    columns = {"age": {"min_present_fraction": 0.8}}
    verdict = _validate(statistics, "some_missing", columns=columns)
    info = verdict.anomalies["eval"].anomaly_info["age"]
    rules = [reason.short_description for reason in info.reason]
    assert rules == ["min_present_fraction", "max_missing_rate_change"]
    assert info.severity == ERROR
    assert (len(verdict.errors), len(verdict.warnings)) == (1, 1)


def test_one_split_alone_is_held_to_the_schema(statistics):
    found = validate({"train": statistics["bad_label"]}, make_schema(CLICK_LOG), GuardConfig())
    assert [line.split(", rule")[0] for line in found.errors] == ["split train, column label"]


def test_rule_for_no_feature_is_an_input_error(statistics):
    with pytest.raises(InputError, match=r"columns\.nope"):
        _validate(statistics, "eval", columns={"nope": {"max_drift": 1}})


def test_weights_pass_and_are_not_compared_between_the_splits():
    click_log = CLICK_LOG.model_copy(update={"weight": "importance"})
    splits = {
        split: split_statistics(
            {
                "weight": [weight] * 500,
                "age": [index % 100 for index in range(500)],
                "price": [index % 50 / 10 for index in range(500)],
                "site": [b"ab"[index % 2 :] for index in range(500)],
            },
            click_log,
        )
        for split, weight in (("train", 1.0), ("eval", 3.5))
    }
    verdict = validate(splits, make_schema(click_log), GuardConfig())
    assert (verdict.errors, verdict.warnings) == ([], [])


def test_a_rule_for_the_weight_is_refused():
    click_log = CLICK_LOG.model_copy(update={"weight": "importance"})
    config = GuardConfig.model_validate({"columns": {"weight": {"max_value": 5}}})
    with pytest.raises(InputError, match=r"example_validator\..*weight"):
        validate({}, make_schema(click_log), config)

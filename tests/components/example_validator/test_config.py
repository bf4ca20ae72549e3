import pytest

from components.example_validator.config import ColumnGuard, GuardConfig
from tests.components.example_validator.splits import CLICK_LOG


def _config(**columns):
    return GuardConfig.model_validate({"columns": columns})


def test_anomalies_fail_and_drift_warns_where_nothing_is_said():
    assert (GuardConfig().on_anomaly, GuardConfig().on_drift) == ("fail", "warn")


def test_column_without_rules_of_its_own_has_none():
    config = _config(age={"min_value": 0})
    assert config.column("age") == ColumnGuard(min_value=0)
    assert config.column("site") == ColumnGuard()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"on_drift": "stop"}, "on_drift"),
        ({"on_anomaly": "ignore"}, "on_anomaly"),
        ({"max_dense_drift": 1.5}, "max_dense_drift"),
        ({"columns": {"age": {"min_present_fraction": -0.1}}}, "min_present_fraction"),
        ({"columns": {"age": {"min": 3}}}, "columns.age.min"),
        ({"columns": {"age": {"min_value": float("nan")}}}, "min_value"),
        ({"columns": {"age": {"min_value": 3, "max_value": 2}}}, "min_value <= max_value"),
    ],
)
def test_wrong_value_is_refused_by_its_field(values, field):
    with pytest.raises(ValueError, match=field):
        GuardConfig.model_validate(values)


def test_rule_for_a_column_that_is_no_feature_is_refused():
    with pytest.raises(ValueError, match=r"columns\.agee: no such feature; known: age, price, sit"):
        _config(agee={"min_value": 0}).check_columns(CLICK_LOG)


def test_rule_for_the_label_is_refused():
    with pytest.raises(ValueError, match=r"columns\.click: no such feature"):
        _config(click={"max_drift": 0.1}).check_columns(CLICK_LOG)


def test_bounds_of_a_category_are_refused():
    with pytest.raises(ValueError, match=r"columns\.site: .* dense features; known: age, price"):
        _config(site={"max_value": 3}).check_columns(CLICK_LOG)


def test_rules_that_fit_the_log_pass():
    _config(age={"max_value": 3}, site={"max_drift": 1}).check_columns(CLICK_LOG)

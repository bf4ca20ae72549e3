"""Drift between 4,000 train rows and 2,000 eval rows, or 20 where the name says so."""

import math

import pytest

from components.example_validator.anomalies import describe
from components.example_validator.config import GuardConfig
from components.example_validator.drift import find_drift


def _drift(statistics, evaluation, train="train", **config):
    return find_drift(statistics[train], statistics[evaluation], GuardConfig.model_validate(config))


def _lines(*args, **kwargs):
    return describe("eval", _drift(*args, **kwargs))


def _measured(anomalies):
    return {
        info.path.step[0]: info.drift_measurements[0].value for info in anomalies.drift_skew_info
    }


def test_split_like_train_has_no_drift(statistics):
    drift = _drift(statistics, "eval", max_categorical_drift=0, max_dense_drift=0)
    assert not drift.anomaly_info
    assert _measured(drift) == pytest.approx({"age": 0, "price": 0, "site": 0}, abs=1e-3)


def test_changed_shares_name_column_rule_value_limit_and_the_value_that_changed_most(statistics):
    [line] = _lines(statistics, "new_shares")
    assert line.startswith("split eval, column site, rule max_categorical_drift: ")
    # 2 * sqrt(1/4000 + 1/2000) = 0.0548 for chance; a has 60 % in train and 30 % here.
    assert "between eval and train is 0.3 " in line
    assert "above the threshold 0.154772" in line
    assert "is: a (limit 0.1 and 0.055 for chance)" in line


def test_doubled_numbers_are_found_by_their_divergence(statistics):
    [line] = _lines(statistics, "doubled")
    assert line.startswith("split eval, column price, rule max_dense_drift: ")
    # Of each of nine tenths of train, half is left here; the last tenth has the other 55 %.
    train, evaluation = [0.1] * 10, [0.05] * 9 + [0.55]
    expected = sum(
        share / 2 * math.log2(share / ((a + b) / 2))
        for a, b in zip(train, evaluation, strict=True)
        for share in (a, b)
    )
    measured = _measured(_drift(statistics, "doubled"))["price"]
    assert measured == pytest.approx(expected, abs=0.005)


def test_values_that_go_missing_are_found(statistics):
    [line] = _lines(statistics, "some_missing")
    assert line.startswith("split eval, column age, rule max_missing_rate_change: ")
    assert "30.00% of the values are missing, in train 0.00%; a change of 0.3" in line
    # 4 * sqrt(0.1 * 0.9 * (1/4000 + 1/2000))
    assert "limit 0.1 and 0.033 for chance" in line


def test_values_that_cease_to_be_missing_are_found(statistics):
    [line] = _lines(statistics, "train", train="some_missing")
    assert "column age, rule max_missing_rate_change: 0.00% of the values are missing, in" in line


def test_empty_columns_are_found(statistics):
    lines = _lines(statistics, "empty")
    assert [line.split(", ")[1] for line in lines] == ["column price", "column site"]
    assert all("100.00% of the values are missing" in line for line in lines)


def test_column_that_is_empty_in_both_splits_is_no_drift(statistics):
    assert _lines(statistics, "empty", train="empty") == []


def test_constant_columns_are_found(statistics):
    lines = [line for line in _lines(statistics, "constant") if "constant_column" in line]
    assert [line.split(", ")[1] for line in lines] == ["column age", "column site"]
    assert lines[0].endswith("the same one, which is at most 2.0% of the values in train.")
    assert "all 2,000 values are the same one, which is at most 60.0% of" in lines[1]


def test_column_constant_at_its_most_frequent_value_is_found_within_the_limit_of_shares(statistics):
    lines = _lines(statistics, "constant", train="skewed")
    rules = [line for line in lines if "column site" in line]
    assert [line.split(": ")[0] for line in rules] == [
        "split eval, column site, rule constant_column"
    ]


def test_column_constant_in_both_splits_is_no_drift(statistics):
    assert _lines(statistics, "constant", train="constant") == []


def test_rare_other_values_between_two_quantiles_may_not_be_drawn(statistics):
    # 3 of 4,000 train values differ, so 1.5 of 2,000 are expected; the quantiles say 1 % at least.
    lines = _lines(statistics, "zeros", train="almost_zeros")
    assert not [line for line in lines if "column age" in line]


def test_constant_in_a_few_rows_is_chance_where_train_is_almost_constant(statistics):
    lines = _lines(statistics, "few_constant", train="skewed", max_categorical_drift=1)
    assert not [line for line in lines if "column site" in line]


def test_few_rows_widen_the_limit_by_what_chance_does(statistics):
    # 40 % instead of 60 %: in 20 rows it is within 0.1 + 2 * sqrt(1/4000 + 1/20) = 0.548.
    assert not [line for line in _lines(statistics, "few") if "column site" in line]
    assert _measured(_drift(statistics, "few"))["site"] == pytest.approx(0.3)


def test_column_may_have_a_limit_of_its_own(statistics):
    wide = {"columns": {"site": {"max_drift": 0.4}}}
    assert _lines(statistics, "new_shares", **wide) == []
    narrow = {"max_categorical_drift": 1, "columns": {"site": {"max_drift": 0.2}}}
    assert "rule max_drift" in _lines(statistics, "new_shares", **narrow)[0]


def test_column_may_change_its_missing_rate_if_allowed(statistics):
    allowed = {"columns": {"age": {"max_missing_rate_change": 0.3}}}
    assert _lines(statistics, "some_missing", **allowed) == []


def test_column_may_become_constant_if_every_drift_is_allowed(statistics):
    free = {name: {"max_drift": 1} for name in ("age", "site")}
    assert _lines(statistics, "constant", columns=free) == []


def test_label_is_not_compared(statistics):
    drift = _drift(statistics, "bad_label")
    assert "label" not in {*_measured(drift), *drift.anomaly_info}

import math

import pyarrow as pa
import pytest
import tensorflow as tf

from schemas.click_log import (
    MISSING_INTEGER,
    ClickLog,
    raw_arrow_schema,
    raw_feature_spec,
)

VALUES = {
    "label": {"column": "clicked"},
    "dense": [{"name": "age"}, {"name": "price", "type": "float"}],
    "categorical": [{"name": "site"}, {"name": "device", "type": "hexadecimal"}],
}


def _click_log(**changed):
    return ClickLog.model_validate({**VALUES, **changed})


def test_log_is_tab_separated_without_a_header_where_nothing_is_said():
    log = _click_log()
    assert (log.format, log.delimiter, log.has_names) == ("tsv", "\t", False)
    assert log.missing_values == ("",)


@pytest.mark.parametrize(
    ("changed", "delimiter", "has_names"),
    [
        ({"format": "csv"}, ",", False),
        ({"format": "csv", "header": True}, ",", True),
        ({"format": "tsv", "header": True}, "\t", True),
    ],
)
def test_format_and_header_tell_delimiter_and_names(changed, delimiter, has_names):
    log = _click_log(**changed)
    assert (log.delimiter, log.has_names) == (delimiter, has_names)


def test_parquet_has_names():
    assert _click_log(format="parquet").has_names


def test_label_comes_first_then_dense_then_categorical():
    log = _click_log()
    assert log.dense_features == ("age", "price")
    assert log.categorical_features == ("site", "device")
    assert log.used_columns == ("clicked", "age", "price", "site", "device")
    assert log.text_columns == log.used_columns


def test_given_columns_are_the_columns_of_a_line():
    columns = ["site", "id", "clicked", "age", "price", "device"]
    assert _click_log(columns=columns).text_columns == tuple(columns)


def test_time_column_that_is_no_feature_stands_last_in_a_line():
    assert _click_log(time_column="seconds").text_columns[-1] == "seconds"


def test_time_column_that_is_a_feature_is_one_column():
    log = _click_log(time_column="age")
    assert log.text_columns == log.used_columns


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"categorical": []}, "categorical"),
        ({"categorical": [{"name": "age"}]}, "named twice: age"),
        ({"categorical": [{"name": "clicked"}]}, "named twice: clicked"),
        ({"categorical": [{"name": "label"}]}, "no feature may be named 'label'"),
        ({"categorical": [{"name": "a b"}]}, "pattern"),
        ({"categorical": [{"name": "2nd"}]}, "pattern"),
        ({"categorical": [{"name": "x", "type": "integer"}]}, "text"),
        ({"dense": [{"name": "x", "type": "text"}]}, "integer"),
        ({"format": "json"}, "format"),
        ({"columns": ["clicked", "age", "site"]}, "`columns` lacks device, price"),
        ({"columns": ["clicked", "clicked", "age", "price", "site", "device"]}, "a column twice"),
        (
            {"columns": ["clicked", "age", "price", "site", "device"], "time_column": "t"},
            "`columns` lacks t",
        ),
        ({"columns": ["clicked"], "header": True}, "without a header"),
        ({"columns": ["clicked"], "format": "parquet"}, "without a header"),
        ({"label": {"column": "clicked", "positive_from": math.inf}}, "finite"),
        ({"categorical": [{"name": "self"}]}, "no feature may be named 'self'"),
        ({"categorical": [{"name": "_id"}]}, "pattern"),
        ({"categorical": [{"name": "Age"}]}, "upper and lower case only"),
        ({"time_column": "clicked"}, "the label cannot be the time_column"),
        ({"labels": "clicked"}, "labels"),
    ],
)
def test_wrong_layout_is_refused_with_what_is_wrong(changed, message):
    with pytest.raises(ValueError, match=message):
        _click_log(**changed)


def test_label_column_of_the_log_may_be_named_label():
    assert _click_log(label={"column": "label"}).used_columns[0] == "label"


def test_json_round_trip_gives_an_equal_log():
    log = _click_log(label={"column": "stars", "positive_from": 4}, time_column="age")
    assert ClickLog.from_json(log.to_json()) == log


def test_raw_rows_have_the_label_by_its_own_name_and_typed_features():
    assert raw_arrow_schema(_click_log()) == pa.schema(
        [
            ("label", pa.int64()),
            ("age", pa.int64()),
            ("price", pa.float32()),
            ("site", pa.binary()),
            ("device", pa.binary()),
        ]
    )


def test_feature_spec_has_the_features_without_the_label():
    spec = raw_feature_spec(_click_log())
    assert {name: feature.dtype for name, feature in spec.items()} == {
        "age": tf.int64,
        "price": tf.float32,
        "site": tf.string,
        "device": tf.string,
    }


def test_features_that_an_example_lacks_become_missing_values():
    rows = tf.io.parse_example([tf.train.Example().SerializeToString()],
                               raw_feature_spec(_click_log()))  # fmt: skip
    assert rows["age"].numpy().tolist() == [MISSING_INTEGER]
    assert math.isnan(rows["price"].numpy()[0])
    assert rows["site"].numpy().tolist() == [b""]


def test_weight_comes_right_behind_the_label():
    log = _click_log(weight="importance")
    assert log.used_columns == ("clicked", "importance", "age", "price", "site", "device")
    assert raw_arrow_schema(log).names == ["label", "weight", "age", "price", "site", "device"]
    assert raw_arrow_schema(log).field("weight").type == pa.float32()


def test_feature_spec_has_no_weight():
    assert "importance" not in raw_feature_spec(_click_log(weight="importance"))
    assert "weight" not in raw_feature_spec(_click_log(weight="importance"))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"weight": "clicked"}, "named twice: clicked"),
        ({"weight": "age"}, "named twice: age"),
        ({"weight": "hour", "time_column": "hour"}, "the weight cannot be the time_column"),
        ({"dense": [{"name": "weight"}]}, "no feature may be named 'weight'"),
    ],
)
def test_weight_that_is_another_column_too_is_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        _click_log(**changed)

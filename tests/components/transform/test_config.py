import pytest

from components.transform.config import TransformConfig
from schemas.click_log import ClickLog
from tests.components.transform.mixed_log import CLICK_LOG


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("frequency_threshold", {"categorical": {"frequency_threshold": 0}}),
        ("num_hash_buckets", {"categorical": {"num_hash_buckets": 0}}),
        ("num_oov_buckets", {"categorical": {"num_oov_buckets": 0}}),
        ("max_values", {"categorical": {"max_values": 0}}),
        ("method", {"categorical": {"method": "x"}}),
        ("scale", {"dense": {"scale": "x"}}),
        ("categorical_buckets", {"dense": {"categorical_buckets": 1}}),
        ("smallest < largest", {"dense": {"clip": [1, 1]}}),
        ("for one of them", {"dense": {"clip": [None, None]}}),
        ("finite", {"dense": {"clip": [0, float("inf")]}}),
        ("batch", {"batch": 1}),
    ],
)
def test_bad_values_are_refused(field, values):
    with pytest.raises(ValueError, match=field):
        TransformConfig.model_validate(values)


def test_a_column_wins_over_the_default():
    config = TransformConfig.model_validate(
        {"categorical": {"frequency_threshold": 9}, "columns": {"ip": {"num_oov_buckets": 3}}}
    )
    treatments = config.categorical_treatments(CLICK_LOG)
    assert list(treatments) == ["site", "ip", "user", "page"]
    assert [t.num_oov_buckets for t in treatments.values()] == [1, 3, 1, 1]
    assert {t.frequency_threshold for t in treatments.values()} == {9}


def test_a_one_sided_clip_survives_the_way_to_its_step():
    config = TransformConfig(columns={"age": {"clip": [0, None]}, "rank": {"clip": [None, 9]}})
    treatments = TransformConfig.from_json(config.to_json()).dense_treatments(CLICK_LOG)
    assert treatments["age"].bounds == (0, float("inf"))
    assert treatments["rank"].bounds == (-float("inf"), 9)
    assert treatments["visits"].bounds == (-float("inf"), float("inf"))


@pytest.mark.parametrize(
    ("column", "fields", "message"),
    [
        ("prise", {}, "columns.prise: no such feature; known: price, age"),
        ("price", {"method": "hash"}, "columns.price: method.*known fields: clip"),
        ("ip", {"scale": "log1p"}, "columns.ip: scale.*known fields: method"),
        ("ip", {"num_hash_buckets": -1}, "columns.ip: num_hash_buckets.*received -1"),
    ],
)
def test_columns_that_do_not_fit_the_log_are_named(column, fields, message):
    with pytest.raises(ValueError, match=message):
        TransformConfig(columns={column: fields}).check_columns(CLICK_LOG)


def test_a_bucket_feature_may_not_take_a_name_of_the_log():
    values = CLICK_LOG.model_dump()
    values["categorical"] = [*values["categorical"], {"name": "age_bucket"}]
    log = ClickLog.model_validate(values)
    config = TransformConfig(columns={"age": {"categorical_buckets": 4}})
    config.check_columns(CLICK_LOG)
    with pytest.raises(ValueError, match=r"columns\.age: .*'age_bucket'.*rename"):
        config.check_columns(log)

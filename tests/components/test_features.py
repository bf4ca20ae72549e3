import json

import pytest
from pydantic import ValidationError

from components.features import Features, read_features, write_features
from schemas.click_log import ClickLog
from schemas.criteo import CLICK_LOG

_SIZES = {"z": 3, "a": 2**31 - 1}


def test_features_are_read_as_written(tmp_path):
    features = Features(click_log=CLICK_LOG, dense_width=26, vocabulary_sizes=_SIZES)
    write_features(str(tmp_path), features)
    assert read_features(str(tmp_path)) == features


def test_sizes_keep_the_order_of_the_columns(tmp_path):
    features = Features(click_log=CLICK_LOG, dense_width=26, vocabulary_sizes=_SIZES)
    write_features(str(tmp_path), features)
    assert list(read_features(str(tmp_path)).vocabulary_sizes) == ["z", "a"]


def test_a_rating_log_keeps_its_layout(tmp_path):
    log = ClickLog.model_validate(
        {
            "format": "csv",
            "header": True,
            "label": {"column": "rating", "positive_from": 4},
            "categorical": [{"name": "userId"}],
            "time_column": "timestamp",
        }
    )
    features = Features(click_log=log, dense_width=0, vocabulary_sizes={"userId": 5})
    write_features(str(tmp_path), features)
    assert read_features(str(tmp_path)).click_log == log


@pytest.mark.parametrize(
    ("field", "value"), [("dense_width", -1), ("vocabulary_sizes", {}), ("unknown", 1)]
)
def test_a_changed_file_is_refused(tmp_path, field, value):
    features = Features(click_log=CLICK_LOG, dense_width=26, vocabulary_sizes=_SIZES)
    write_features(str(tmp_path), features)
    path = tmp_path / "features.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    with pytest.raises(ValidationError, match=field):
        read_features(str(tmp_path))

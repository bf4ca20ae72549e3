import numpy as np
import pyarrow as pa

from components.raw_tensors import raw_tensors
from schemas.click_log import MISSING_INTEGER, ClickLog, raw_arrow_schema
from schemas.criteo import CATEGORICAL_FEATURES, CLICK_LOG, DENSE_FEATURES

_MIXED = ClickLog.model_validate(
    {
        "label": {"column": "clicked"},
        "dense": [{"name": "price", "type": "float"}, {"name": "age"}],
        "categorical": [{"name": "site"}],
    }
)


def test_missing_values_get_what_stands_for_them():
    columns = {"label": [0, 1], "price": [None, 1.5], "age": [7, None], "site": [None, b"ab"]}
    tensors = raw_tensors(pa.table(columns, schema=raw_arrow_schema(_MIXED)))
    np.testing.assert_array_equal(tensors["price"], np.array([np.nan, 1.5], np.float32))
    np.testing.assert_array_equal(tensors["age"], np.array([7, MISSING_INTEGER], np.int64))
    assert tensors["site"].tolist() == [b"", b"ab"]
    assert [tensors[name].dtype for name in tensors] == [np.float32, np.int64, object]


def test_features_keep_their_order_and_the_label_is_left_out():
    columns = {name: [None, 1] for name in ("label", *DENSE_FEATURES)}
    columns |= {name: [b"ab", None] for name in CATEGORICAL_FEATURES}
    tensors = raw_tensors(pa.table(columns, schema=raw_arrow_schema(CLICK_LOG)))
    assert list(tensors) == [*DENSE_FEATURES, *CATEGORICAL_FEATURES]


def test_the_weight_is_left_out():
    schema = raw_arrow_schema(_MIXED.model_copy(update={"weight": "importance"}))
    columns = {"label": [1], "weight": [0.5], "price": [1.0], "age": [7], "site": [b"ab"]}
    assert list(raw_tensors(pa.table(columns, schema=schema))) == ["price", "age", "site"]


def test_no_rows_give_empty_tensors():
    tensors = raw_tensors(raw_arrow_schema(_MIXED).empty_table())
    assert {name: values.shape for name, values in tensors.items()} == {
        "price": (0,),
        "age": (0,),
        "site": (0,),
    }

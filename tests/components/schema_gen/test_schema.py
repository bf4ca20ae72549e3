from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.schema_gen.schema import make_schema
from schemas.click_log import ClickLog
from schemas.criteo import CATEGORICAL_FEATURES, CLICK_LOG, DENSE_FEATURES

SMALL = ClickLog.model_validate(
    {
        "label": {"column": "rating", "positive_from": 4},
        "dense": [{"name": "age"}, {"name": "price", "type": "float"}],
        "categorical": [{"name": "movie"}, {"name": "device", "type": "hexadecimal"}],
    }
)
EXPECTED = """
feature {
  name: "label" type: INT int_domain { min: 0 max: 1 }
  presence { min_fraction: 1.0 min_count: 1 } shape { dim { size: 1 } }
}
feature {
  name: "age" type: INT value_count { min: 1 max: 1 } presence { min_count: 1 }
}
feature {
  name: "price" type: FLOAT value_count { min: 1 max: 1 } presence { min_count: 1 }
}
feature {
  name: "movie" type: BYTES value_count { min: 1 max: 1 } presence { min_count: 1 }
}
feature {
  name: "device" type: BYTES value_count { min: 1 max: 1 } presence { min_count: 1 }
}
"""


def test_schema_of_a_small_log_is_the_one_written_by_hand():
    assert make_schema(SMALL) == text_format.Parse(EXPECTED, schema_pb2.Schema())


def test_schema_of_criteo_has_its_forty_columns_in_order():
    names = [feature.name for feature in make_schema(CLICK_LOG).feature]
    assert names == ["label", *DENSE_FEATURES, *CATEGORICAL_FEATURES]
    assert len(names) == 40


def test_weight_is_a_number_of_every_row_behind_the_label():
    found = make_schema(SMALL.model_copy(update={"weight": "importance"}))
    expected = """
      name: "weight" type: FLOAT float_domain { min: 0 }
      presence { min_fraction: 1.0 min_count: 1 } shape { dim { size: 1 } }
    """
    assert found.feature[0].name == "label"
    assert found.feature[1] == text_format.Parse(expected, schema_pb2.Feature())

from pathlib import Path

import pyarrow as pa
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

import schemas
from schemas.criteo import LABEL, RAW_COLUMNS, raw_arrow_schema, raw_feature_spec


def _schema():
    text = Path(schemas.__path__[0], "schema.pbtxt").read_text()
    return text_format.Parse(text, schema_pb2.Schema())


def test_a_raw_row_has_the_forty_columns_of_criteo():
    assert len(RAW_COLUMNS) == 40
    assert RAW_COLUMNS[:2] == ("label", "I1")
    assert RAW_COLUMNS[13:15] == ("I13", "C1")
    assert RAW_COLUMNS[39] == "C26"


def test_schema_file_lists_the_same_features_with_the_same_types():
    types = {pa.int64(): schema_pb2.INT, pa.binary(): schema_pb2.BYTES}
    expected = {field.name: types[field.type] for field in raw_arrow_schema()}
    assert {feature.name: feature.type for feature in _schema().feature} == expected


def test_schema_file_asks_for_a_label_of_zero_or_one():
    [label] = [feature for feature in _schema().feature if feature.name == LABEL]
    assert (label.int_domain.min, label.int_domain.max) == (0, 1)
    assert label.presence.min_fraction == 1.0


def test_feature_spec_leaves_the_label_out():
    assert list(raw_feature_spec()) == list(RAW_COLUMNS[1:])

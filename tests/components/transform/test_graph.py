from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.features import read_features
from components.raw_tensors import raw_tensors
from components.transform.graph import write_transform_graph
from schemas.transformed import CATEGORICAL, DENSE
from tests.components.transform.mixed_log import CLICK_LOG, fit, random_rows

_SCHEMA = text_format.Parse('feature { name: "age" type: INT }', schema_pb2.Schema())


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The rows of a train split, their preprocessing and the folder of its graph."""
    folder = tmp_path_factory.mktemp("graph")
    rows = random_rows(500)
    preprocessing = fit(rows, folder)
    write_transform_graph(preprocessing, _SCHEMA, str(folder / "graph"))
    return rows, preprocessing, str(folder / "graph")


def test_transformed_features_have_their_shapes(written):
    spec = tft.TFTransformOutput(written[2]).transformed_feature_spec()
    assert spec == {
        DENSE: tf.io.FixedLenFeature([9], tf.float32),
        CATEGORICAL: tf.io.FixedLenFeature([6], tf.int64),
    }


def test_raw_metadata_is_the_given_schema(written):
    assert tft.TFTransformOutput(written[2]).raw_metadata.schema == _SCHEMA


def test_features_stand_beside_the_graph(written):
    assert read_features(written[2]) == written[1].features
    assert read_features(written[2]).click_log == CLICK_LOG


def test_graph_carries_its_vocabulary(written):
    rows, preprocessing, graph = written
    vocabulary = Path(preprocessing.vocabulary_path)
    content = vocabulary.read_bytes()
    vocabulary.unlink()
    try:
        layer = tft.TFTransformOutput(graph).transform_features_layer()
        outputs = layer({name: tf.constant(v) for name, v in raw_tensors(rows).items()})
    finally:
        vocabulary.write_bytes(content)
    # the most frequent value of `site` has the first id after missing and out of vocabulary
    values = rows["site"].to_pylist()
    known = [value for value in values if value is not None]
    top = min(set(known), key=lambda value: (-known.count(value), value))
    expected = np.array([value == top for value in values])
    np.testing.assert_array_equal(outputs[CATEGORICAL][:, 0] == 2, expected)

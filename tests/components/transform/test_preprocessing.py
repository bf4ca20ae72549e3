import math

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_metadata.proto.v0 import schema_pb2

from components.transform.config import TransformConfig
from components.transform.graph import write_transform_graph
from components.transform.preprocessing import (
    dense_vector,
    hashed_ids,
    vocabulary_sizes,
)
from components.transform.vocabulary import PackedVocabulary
from schemas.criteo import (
    CATEGORICAL,
    CATEGORICAL_FEATURES,
    DENSE,
    DENSE_FEATURES,
    MISSING_INTEGER,
)


def test_dense_vector_scales_and_marks_missing():
    integers = tf.constant([[0, 1, -2, MISSING_INTEGER]], tf.int64)
    expected = [[0.0, math.log(2), -math.log(3), 0.0, 0.0, 0.0, 0.0, 1.0]]
    np.testing.assert_allclose(dense_vector(integers), expected, rtol=1e-6)


def test_dense_vector_takes_the_ends_of_int64():
    integers = tf.constant([[2**63 - 1, -(2**63) + 1]], tf.int64)
    scaled = 63 * math.log(2)
    np.testing.assert_allclose(dense_vector(integers), [[scaled, -scaled, 0, 0]], rtol=1e-6)


def _inputs(categories):
    rows = len(next(iter(categories.values())))
    inputs = {
        name: tf.fill([rows], tf.constant(MISSING_INTEGER, tf.int64)) for name in DENSE_FEATURES
    }
    for name in CATEGORICAL_FEATURES:
        inputs[name] = tf.constant(categories.get(name, [b""] * rows))
    return inputs


def _layer(tmp_path, vocabulary):
    """The preprocessing as TFT exports it, a layer from raw features to transformed ones."""
    graph = str(tmp_path / "graph")
    write_transform_graph(TransformConfig(), vocabulary, schema_pb2.Schema(), graph)
    return tft.TFTransformOutput(graph).transform_features_layer()


def _vocabulary(tmp_path, values):
    path = tmp_path / "vocabulary.txt"
    path.write_bytes(b"".join(f"{f}:{v}\n".encode() for f in values for v in values[f]))
    return PackedVocabulary(
        str(path), {name: len(values.get(name, [])) for name in CATEGORICAL_FEATURES}
    )


def test_vocabulary_ids_are_counted_per_feature(tmp_path):
    vocabulary = _vocabulary(tmp_path, {"C1": ["aa", "bb"], "C3": ["cc"]})
    layer = _layer(tmp_path, vocabulary)

    ids = layer(_inputs({"C1": [b"bb", b"aa", b"", b"cc"], "C3": [b"cc", b"aa", b"zz", b""]}))

    # missing 0, out of vocabulary 1, then the feature's own values from 2 on
    assert ids[CATEGORICAL][:, 0].numpy().tolist() == [3, 2, 0, 1]
    assert ids[CATEGORICAL][:, 1].numpy().tolist() == [0, 0, 0, 0]
    assert ids[CATEGORICAL][:, 2].numpy().tolist() == [2, 1, 1, 0]


def test_outputs_shapes_and_dtypes(tmp_path):
    layer = _layer(tmp_path, _vocabulary(tmp_path, {"C1": ["aa"]}))
    outputs = layer(_inputs({"C1": [b"aa", b"bb", b""]}))
    assert outputs[DENSE].shape == (3, 26)
    assert outputs[DENSE].dtype == tf.float32
    assert outputs[CATEGORICAL].shape == (3, 26)
    assert outputs[CATEGORICAL].dtype == tf.int64


def test_hashed_ids_are_salted_by_feature_and_keep_missing_apart():
    categories = tf.constant([[b"68fd1e64"] * 26, [b""] * 26])
    ids = hashed_ids(categories, 1000).numpy()
    assert len(set(ids[0].tolist())) > 20
    assert ids[0].min() >= 2
    assert ids[0].max() < 1002
    assert ids[1].tolist() == [0] * 26
    # the same value gives the same id in another batch
    assert hashed_ids(categories[:1], 1000).numpy().tolist() == ids[:1].tolist()


def test_vocabulary_sizes_hold_the_reserved_ids(tmp_path):
    vocabulary = _vocabulary(tmp_path, {"C1": ["aa", "bb"]})
    assert vocabulary_sizes(TransformConfig(), vocabulary)["C1"] == 4
    assert vocabulary_sizes(TransformConfig(), vocabulary)["C2"] == 2
    config = TransformConfig(categorical="hash", num_hash_buckets=10)
    assert set(vocabulary_sizes(config, None).values()) == {12}


@pytest.mark.parametrize(
    ("field", "value"), [("frequency_threshold", 0), ("num_hash_buckets", 0), ("categorical", "x")]
)
def test_config_refuses_bad_values(field, value):
    with pytest.raises(ValueError, match=field):
        TransformConfig(**{field: value})

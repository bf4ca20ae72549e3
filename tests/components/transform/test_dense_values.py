import math

import numpy as np
import tensorflow as tf

from components.transform.config import DenseTreatment
from components.transform.dense_values import DenseValues
from components.transform.value_sketch import ValueSketch, bucket_of
from schemas.click_log import MISSING_INTEGER


def _sketch(values):
    buckets, counts = np.unique(bucket_of(np.array(values, np.float64)), return_counts=True)
    return ValueSketch(buckets, counts, integers=True)


def _apply(treatments, inputs, trained=None):
    """Returns dense values and bucket ids of columns of Python ints (int64) or floats (float32)."""
    sketches = {name: _sketch(values) for name, values in (trained or {}).items()}
    values = DenseValues({n: DenseTreatment(**f) for n, f in treatments.items()}, sketches)
    tensors = {
        name: tf.constant(column, tf.float32 if isinstance(column[0], float) else tf.int64)
        for name, column in inputs.items()
    }
    dense, buckets = values(tensors)
    assert dense.shape == (len(next(iter(inputs.values()))), values.width)
    assert (dense.dtype, buckets.dtype) == (tf.float32, tf.int64)
    return dense.numpy(), buckets.numpy()


def test_log_scale_and_missing_indicators_are_the_default():
    dense, _ = _apply({"a": {}, "b": {}}, {"a": [0, 1], "b": [-2, MISSING_INTEGER]})
    expected = [[0, -math.log(3), 0, 0], [math.log(2), 0, 0, 1]]
    np.testing.assert_allclose(dense, expected, rtol=1e-6)


def test_log_scale_takes_the_ends_of_int64():
    dense, _ = _apply({"a": {}}, {"a": [2**63 - 1, 1 - 2**63]})
    np.testing.assert_allclose(dense[:, 0], [63 * math.log(2), -63 * math.log(2)], rtol=1e-6)


def test_floats_are_missing_where_not_finite():
    dense, _ = _apply({"a": {"scale": "none"}}, {"a": [1.5, math.nan, math.inf, -math.inf]})
    assert dense.tolist() == [[1.5, 0], [0, 1], [0, 1], [0, 1]]


def test_columns_keep_their_order_whatever_their_types():
    plain = {"scale": "none"}
    inputs = {"a": [0.5, 0.25], "b": [1, 2], "c": [7.5, math.nan], "d": [3, MISSING_INTEGER]}
    dense, _ = _apply(dict.fromkeys("abcd", plain), inputs)
    assert dense.tolist() == [[0.5, 1, 7.5, 3, 0, 0, 0, 0], [0.25, 2, 0, 0, 0, 0, 1, 1]]


def test_indicators_are_left_out_where_not_wanted():
    plain = {"scale": "none"}
    dense, _ = _apply(
        {"a": {**plain, "missing_indicator": False}, "b": plain}, {"a": [1], "b": [2]}
    )
    assert dense.tolist() == [[1, 2, 0]]


def test_clip_comes_before_scale():
    dense, _ = _apply(
        {"a": {"clip": [-1, 3]}, "b": {"scale": "none"}}, {"a": [-9, 9], "b": [-9, 9]}
    )
    expected = [[-math.log(2), -9], [math.log(4), 9]]
    np.testing.assert_allclose(dense[:, :2], expected, rtol=1e-6)


def test_clip_may_have_one_side():
    treatments = {
        "a": {"clip": [0, None], "scale": "none"},
        "b": {"clip": [None, 3], "scale": "none"},
    }
    dense, _ = _apply(treatments, {"a": [-9, 9], "b": [-9, 9]})
    assert dense[:, :2].tolist() == [[0, -9], [9, 3]]


def test_quantile_scale_is_the_share_of_smaller_values():
    trained = [0] * 30 + [5] * 69 + [600]
    dense, _ = _apply(
        {"a": {"scale": "quantile"}, "b": {"scale": "none"}},
        {"a": [-1, 0, 1, 5, 6, 600, 601, MISSING_INTEGER], "b": [4] * 8},
        {"a": trained},
    )
    expected = [0, 0, 0.3, 0.3, 0.99, 0.99, 1, 0]
    np.testing.assert_allclose(dense[:, 0], expected, rtol=1e-6)
    assert dense[:, 1].tolist() == [4] * 8


def test_standardize_uses_the_scaled_and_clipped_train_values():
    # clipped to 0..9 and scaled: log 1, log 2, log 10, log 10
    trained = [-5, 1, 9, 700]
    scaled = np.log([1, 2, 10, 10])
    treatment = {"clip": [0, 9], "standardize": True}
    dense, _ = _apply({"a": treatment}, {"a": [0, 1, 50]}, {"a": trained})
    expected = (np.log([1, 2, 10]) - scaled.mean()) / scaled.std()
    np.testing.assert_allclose(dense[:, 0], expected, rtol=1e-6)


def test_a_missing_value_stays_0_when_standardized():
    treatment = {"scale": "none", "standardize": True}
    dense, _ = _apply({"a": treatment}, {"a": [MISSING_INTEGER]}, {"a": [10, 20]})
    assert dense.tolist() == [[0, 1]]


def test_standardize_makes_a_constant_feature_0():
    treatment = {"scale": "none", "standardize": True}
    dense, _ = _apply({"a": treatment}, {"a": [12_345, 3]}, {"a": [12_345] * 7})
    assert dense[:, 0].tolist() == [0, 0]


def test_standardize_never_overflows():
    treatment = {"scale": "none", "standardize": True}
    tiny = ValueSketch(bucket_of(np.array([1e-30, 2e-30])), np.array([1, 1]), integers=False)
    values = DenseValues({"a": DenseTreatment(**treatment)}, {"a": tiny})
    dense, _ = values({"a": tf.constant([3e38, -3e38], tf.float32)})
    largest = np.finfo(np.float32).max
    assert dense.numpy()[:, 0].tolist() == [largest, -largest]


def test_a_feature_never_seen_is_left_as_it_is():
    treatment = {"scale": "none", "standardize": True, "categorical_buckets": 2}
    dense, buckets = _apply({"a": treatment}, {"a": [3]}, {"a": []})
    assert dense.tolist() == [[3, 0]]
    assert buckets.tolist() == [[1]]


def test_buckets_hold_equal_shares_of_the_train_values():
    inputs = {"a": [-1, 0, 1, 2, 3, 4, 99, MISSING_INTEGER], "b": [1, 5, 6, 9, 1, 1, 1, 1]}
    _, buckets = _apply(
        {"a": {"categorical_buckets": 4}, "b": {"categorical_buckets": 2}},
        inputs,
        {"a": [0, 1, 2, 3] * 5, "b": [5, 5, 6, 6]},
    )
    assert buckets[:, 0].tolist() == [1, 1, 2, 3, 4, 4, 4, 0]
    assert buckets[:, 1].tolist() == [1, 1, 2, 2, 1, 1, 1, 1]


def test_buckets_look_at_the_clipped_value():
    treatment = {"clip": [2, 9], "categorical_buckets": 4}
    _, buckets = _apply({"a": treatment}, {"a": [0, 1, 2, 3]}, {"a": [0, 1, 2, 3]})
    assert buckets[:, 0].tolist() == [3, 3, 3, 4]


def test_bucket_features_are_named_and_sized():
    values = DenseValues(
        {"a": DenseTreatment(), "b": DenseTreatment(categorical_buckets=5)}, {"b": _sketch([1])}
    )
    assert values.bucket_sizes == {"b_bucket": 6}
    assert values.width == 4

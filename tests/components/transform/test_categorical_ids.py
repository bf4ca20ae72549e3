import numpy as np
import pytest
import tensorflow as tf

from components.transform.categorical_ids import CategoricalIds, make_table
from components.transform.config import CategoricalTreatment
from components.transform.vocabulary import PackedVocabulary


@pytest.fixture
def make_ids(tmp_path):
    """Makes a function from the values of features, each `[batch]`, to ids `[batch, features]`."""

    def make(treatments, vocabularies):
        chosen = {name: CategoricalTreatment(**fields) for name, fields in treatments.items()}
        path = tmp_path / "vocabulary.txt"
        lines = [f"{name}:{value}\n" for name, values in vocabularies.items() for value in values]
        path.write_text("".join(lines))
        counts = {name: len(values) for name, values in vocabularies.items()}
        vocabulary = PackedVocabulary(str(path), counts) if vocabularies else None
        ids = CategoricalIds(chosen, vocabulary)

        def find(values):
            columns = tf.range(len(chosen), dtype=tf.int64)[tf.newaxis]
            lookup = make_table(str(path)).lookup if vocabularies else None
            stacked = tf.stack([tf.constant(values[name]) for name in chosen], axis=1)
            return ids(stacked, columns, lookup).numpy()

        return ids, find

    return make


def test_vocabulary_ids_are_counted_per_feature(make_ids):
    ids, find = make_ids({"a": {}, "b": {}, "c": {}}, {"a": ["aa", "bb"], "b": [], "c": ["cc"]})
    found = find(
        {
            "a": [b"bb", b"aa", b"", b"cc"],
            "b": [b"", b"aa", b"", b""],
            "c": [b"cc", b"aa", b"zz", b""],
        }
    )
    # missing 0, out of vocabulary 1, then the feature's own values from 2 on
    assert found.tolist() == [[3, 0, 2], [2, 1, 1], [0, 0, 1], [1, 0, 0]]
    assert ids.sizes == {"a": 4, "b": 2, "c": 3}
    assert ids.num_oov_ids == {"a": 1, "b": 1, "c": 1}


def test_values_outside_of_the_vocabulary_are_hashed_before_it(make_ids):
    ids, find = make_ids({"a": {"num_oov_buckets": 4}, "b": {}}, {"a": ["aa", "bb"], "b": ["aa"]})
    unseen = [b"unseen%d" % i for i in range(40)]
    found = find({"a": [b"aa", b"bb", b"", *unseen], "b": [b"aa", b"bb", b"", *unseen]})
    assert found[:3].tolist() == [[5, 2], [6, 1], [0, 0]]
    assert set(found[3:, 0].tolist()) == {1, 2, 3, 4}
    assert set(found[3:, 1].tolist()) == {1}
    assert ids.sizes == {"a": 7, "b": 3}
    assert ids.num_oov_ids == {"a": 4, "b": 1}


def test_hashed_ids_are_those_of_the_feature_and_value_alone(make_ids):
    ids, find = make_ids({"a": {"method": "hash", "num_hash_buckets": 7}}, {})
    found = find({"a": [b"x", b"y", b""]})
    largest = 2**63 - 1
    expected = [tf.strings.to_hash_bucket_fast(key, largest).numpy() % 7 for key in ("a:x", "a:y")]
    assert found[:, 0].tolist() == [expected[0] + 2, expected[1] + 2, 0]
    assert ids.sizes == {"a": 9}
    assert ids.num_oov_ids == {"a": 0}


def test_hashed_ids_fill_their_buckets(make_ids):
    _, find = make_ids({"a": {"method": "hash", "num_hash_buckets": 16}}, {})
    values = [b"%d" % i for i in range(16_000)]
    counts = np.bincount(find({"a": values})[:, 0], minlength=18)
    assert counts[:2].tolist() == [0, 0]
    # 1,000 each, give or take 5 standard deviations of a fair draw
    assert np.abs(counts[2:] - 1_000).max() < 5 * np.sqrt(1_000)


def test_features_and_salts_hash_differently(make_ids):
    hashed = {"method": "hash", "num_hash_buckets": 10**6}
    _, find = make_ids({"a": hashed, "b": hashed, "c": {**hashed, "hash_salt": 3}}, {})
    _, again = make_ids({"c": hashed, "a": hashed}, {})
    values = [b"%d" % i for i in range(100)]
    found = find(dict.fromkeys("abc", values))
    other = again(dict.fromkeys("ac", values))
    assert (found[:, 0] != found[:, 1]).mean() > 0.9
    assert (found[:, 2] != other[:, 0]).mean() > 0.9  # the same feature with another salt
    assert (found[:, 0] == other[:, 1]).all()  # neither place nor neighbours matter


def test_a_salt_leaves_the_vocabulary_alone(make_ids):
    _, find = make_ids({"a": {"num_oov_buckets": 1000, "hash_salt": 3}}, {"a": ["aa"]})
    _, plain = make_ids({"a": {"num_oov_buckets": 1000}}, {"a": ["aa"]})
    values = {"a": [b"aa", b"", *(b"%d" % i for i in range(100))]}
    assert find(values)[:2].tolist() == plain(values)[:2].tolist() == [[1001], [0]]
    assert (find(values)[2:] != plain(values)[2:]).mean() > 0.9


def test_hash_and_vocabulary_stand_side_by_side(make_ids):
    ids, find = make_ids(
        {"h": {"method": "hash", "num_hash_buckets": 1}, "v": {}, "w": {}},
        {"v": ["x"], "w": ["x", "y"]},
    )
    found = find({"h": [b"x", b""], "v": [b"x", b"y"], "w": [b"y", b"x"]})
    assert found.tolist() == [[2, 2, 3], [0, 1, 2]]
    assert list(ids.sizes.items()) == [("h", 3), ("v", 3), ("w", 4)]


@pytest.mark.parametrize("fields", [{"method": "hash", "hash_salt": 7}, {"num_oov_buckets": 2}])
def test_strings_are_joined_without_threads(fields, tmp_path):
    # For a single row, the threads that `+` on strings uses cost more than all else here.
    path = tmp_path / "vocabulary.txt"
    path.write_text("a:x\n")
    ids = CategoricalIds(
        {"a": CategoricalTreatment(**fields)}, PackedVocabulary(str(path), {"a": 1})
    )

    def find(values):
        return ids(values, tf.constant([[0]], tf.int64), make_table(str(path)).lookup)

    traced = tf.function(find, autograph=False).get_concrete_function(
        tf.TensorSpec([None, 1], tf.string)
    )
    of_strings = {
        operation.type
        for operation in traced.graph.get_operations()
        if any(tensor.dtype == tf.string for tensor in operation.inputs)
    }
    assert "StringJoin" in of_strings
    assert not of_strings & {"Add", "AddV2"}

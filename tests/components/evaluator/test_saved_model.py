import pytest
import tensorflow as tf

from components.errors import InputError
from components.evaluator.saved_model import check_raw_signature, folder_bytes
from schemas.criteo import CATEGORICAL_FEATURES, DENSE_FEATURES
from tests.components.evaluator.tiny import save_model

FEATURES = (*DENSE_FEATURES, *CATEGORICAL_FEATURES)


def test_signature_of_a_good_model_passes(tmp_path):
    check_raw_signature("full", str(save_model(tmp_path / "model", 1.0)), FEATURES)


def test_signature_missing_names_variant_and_what_there_is(tmp_path):
    path = save_model(tmp_path / "model", 1.0, signature="other")
    expected = "variant 'hashing' .* expected a signature 'raw_features'; received other"
    with pytest.raises(InputError, match=expected):
        check_raw_signature("hashing", str(path), FEATURES)


def test_signature_with_other_inputs_names_the_missing_ones(tmp_path):
    model = tf.Module()
    spec = tf.TensorSpec([None], tf.int64, name="I1")
    model.f = tf.function(lambda **features: {"score": features["I1"]})
    signatures = {"raw_features": model.f.get_concrete_function(I1=spec)}
    tf.saved_model.save(model, str(tmp_path), signatures=signatures)
    with pytest.raises(
        InputError, match=r"missing inputs: C1, .*; unknown inputs: none; outputs: score"
    ):
        check_raw_signature("hashing", str(tmp_path), FEATURES)


def test_signature_with_an_input_that_no_row_has_names_it(tmp_path):
    path = save_model(tmp_path / "model", 1.0)
    with pytest.raises(InputError, match=r"missing inputs: none; unknown inputs: C26; "):
        check_raw_signature("full", str(path), FEATURES[:-1])


def test_signature_of_an_empty_folder_names_variant_and_folder(tmp_path):
    with pytest.raises(InputError, match=r"variant 'full': no SavedModel at .*model"):
        check_raw_signature("full", str(tmp_path / "model"), FEATURES)


def test_folder_bytes_counts_all_files_below(tmp_path):
    (tmp_path / "variables").mkdir()
    (tmp_path / "saved_model.pb").write_bytes(b"12345")
    (tmp_path / "variables/data").write_bytes(b"123")
    assert folder_bytes(str(tmp_path)) == 8

import pytest

from components.transform.config import TransformConfig
from components.transform.preprocessing import Preprocessing
from components.transform.vocabulary import PackedVocabulary
from schemas.criteo import CATEGORICAL_FEATURES, CLICK_LOG


@pytest.fixture
def criteo():
    """The default treatment of Criteo's columns, each with as many values as its number."""
    counts = {name: number for number, name in enumerate(CATEGORICAL_FEATURES, start=1)}
    return Preprocessing(CLICK_LOG, TransformConfig(), PackedVocabulary("unused", counts), {})


def test_features_of_the_default_treatment(criteo):
    assert criteo.features.dense_width == 26
    assert list(criteo.features.vocabulary_sizes) == list(CATEGORICAL_FEATURES)
    assert criteo.features.vocabulary_sizes["C1"] == 3
    assert criteo.features.vocabulary_sizes["C26"] == 28
    assert criteo.features.click_log == CLICK_LOG


def test_every_vocabulary_has_an_id_for_unknown_values(criteo):
    assert criteo.num_oov_ids == dict.fromkeys(CATEGORICAL_FEATURES, 1)


def test_a_vocabulary_that_lacks_a_feature_is_noticed():
    with pytest.raises(KeyError, match="C1"):
        Preprocessing(CLICK_LOG, TransformConfig(), PackedVocabulary("unused", {}), {})


def test_a_distribution_that_is_lacking_is_noticed():
    config = TransformConfig(categorical={"method": "hash"}, columns={"I3": {"standardize": True}})
    with pytest.raises(KeyError, match="I3"):
        Preprocessing(CLICK_LOG, config, None, {})

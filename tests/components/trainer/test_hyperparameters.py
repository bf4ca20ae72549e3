import json

import keras_tuner
import pytest

from components.errors import InputError
from components.trainer.config import TrainerConfig
from components.trainer.hyperparameters import (
    as_hyperparameter,
    tuned_config,
    values_of,
    with_values,
)


def make_hyperparameters(values):
    """The JSON that a tuner's artifact holds, read back."""
    hyperparameters = keras_tuner.HyperParameters()
    for path, value in values.items():
        hyperparameters.Fixed(path, as_hyperparameter(value))
    return json.loads(json.dumps(hyperparameters.get_config()))


VALUES = {
    "dense_optimizer.learning_rate": 0.3,
    "embedding_dim": 8,
    "wide": True,
    "interaction": "cross",
    "top_mlp": [32, 16],
    "gradient_clip_norm": None,
}


def test_values_reach_nested_and_plain_fields():
    config = with_values(TrainerConfig(), VALUES)
    assert config.dense_optimizer.learning_rate == 0.3
    assert config.dense_optimizer.name == TrainerConfig().dense_optimizer.name
    assert (config.embedding_dim, config.wide, config.interaction) == (8, True, "cross")
    assert config.top_mlp == (32, 16)


def test_values_of_any_type_survive_keras_tuner():
    assert values_of(make_hyperparameters(VALUES)) == VALUES


def test_another_embedding_method_takes_its_own_default_options():
    hashing = TrainerConfig(embedding={"method": "hashing"})
    config = with_values(hashing, {"embedding.method": "quotient_remainder"})
    assert config == TrainerConfig(embedding={"method": "quotient_remainder"})


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        ({"nope": 1}, ["nope", "Extra inputs"]),
        ({"dense_optimizer.nope": 1}, ["dense_optimizer.nope", "Extra inputs"]),
        ({"epochs.nope": 1}, ["epochs.nope", "found none"]),
        ({"nope.nope.nope": 1}, ["nope.nope.nope", "found none"]),
        ({"epochs": 0}, ["epochs", "greater than or equal to 1", "received 0"]),
    ],
)
def test_values_that_are_not_allowed_name_the_field(values, parts):
    with pytest.raises(InputError) as error:
        with_values(TrainerConfig(), values)
    for part in parts:
        assert part in str(error.value)


def test_tuned_values_win_over_what_all_variants_share():
    config = tuned_config(TrainerConfig(embedding_dim=4), make_hyperparameters(VALUES), [])
    assert config == with_values(TrainerConfig(embedding_dim=4), VALUES)


def test_a_field_of_the_variant_itself_wins_as_a_whole_over_tuned_values():
    config = TrainerConfig(dense_optimizer={"name": "sgd"}, embedding_dim=4)
    tuned = tuned_config(config, make_hyperparameters(VALUES), ["dense_optimizer"])
    assert tuned.dense_optimizer == config.dense_optimizer
    assert tuned.embedding_dim == 8


def test_nothing_tuned_leaves_the_configuration_as_it_is():
    assert tuned_config(TrainerConfig(), make_hyperparameters({}), []) == TrainerConfig()


def test_tuned_value_that_does_not_suit_a_variant_names_both():
    variant = TrainerConfig(variant="half", embedding={"method": "full"})
    with pytest.raises(InputError, match=r"variant half with tuned values.*embedding_dim"):
        tuned_config(variant, make_hyperparameters({"embedding_dim": 0}), [])


@pytest.mark.parametrize("text", [{"values": {"interaction": "cross"}}, {"space": []}])
def test_hyperparameters_of_another_maker_are_refused(text):
    with pytest.raises(InputError, match="hyperparameters: "):
        values_of(text)

"""The settings reject what cannot work."""

import pytest
from pydantic import ValidationError

from components.example_gen.config import ExampleGenConfig


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("eval_fraction", 0.0),
        ("eval_fraction", 1.0),
        ("eval_fraction", 0.00004),
        ("split_seed", -1),
        ("block_bytes", 0),
        ("max_bad_rate", -0.1),
        ("max_bad_rate", 1.1),
        ("eval_share", 0.2),
    ],
)
def test_config_rejects_and_names_the_field(field, value):
    with pytest.raises(ValidationError, match=field):
        ExampleGenConfig.model_validate({field: value})


def test_config_round_trips_through_json():
    config = ExampleGenConfig(eval_fraction=0.1, split_seed=3, block_bytes=2048, max_bad_rate=0.5)
    assert ExampleGenConfig.from_json(config.to_json()) == config

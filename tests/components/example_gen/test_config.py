"""The settings reject what cannot work."""

import pytest
from pydantic import ValidationError

from components.example_gen.config import ExampleGenConfig, SplitConfig


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("window_spans", 0),
        ("size_megabytes", 0),
        ("size_megabytes", float("inf")),
        ("sample_seed", -1),
        ("negative_sampling_rate", 0),
        ("negative_sampling_rate", 1.1),
        ("block_bytes", 0),
        ("max_bad_rate", -0.1),
        ("max_bad_rate", 1.1),
        ("eval_share", 0.2),
    ],
)
def test_config_rejects_and_names_the_field(field, value):
    with pytest.raises(ValidationError, match=field):
        ExampleGenConfig.model_validate({field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("method", "random"),
        ("eval_fraction", 0.0),
        ("eval_fraction", 1.0),
        ("eval_fraction", 0.00004),
        ("seed", -1),
        ("num_eval_files", 0),
    ],
)
def test_split_rejects_and_names_the_field(field, value):
    with pytest.raises(ValidationError, match=field):
        SplitConfig.model_validate({field: value})


@pytest.mark.parametrize("values", [{"method": "given"}, {"eval_files": "day_9*"}])
def test_split_by_given_files_needs_both_method_and_pattern(values):
    with pytest.raises(ValidationError, match="go together"):
        SplitConfig.model_validate(values)


def test_split_by_last_span_needs_a_window_of_two():
    with pytest.raises(ValidationError, match="set window_spans to 2 or more, received 1"):
        ExampleGenConfig(split=SplitConfig(method="last_span"))


def test_config_round_trips_through_json():
    config = ExampleGenConfig(
        split=SplitConfig(method="given", eval_files="day_9*"),
        window_spans=3,
        size_megabytes=0.5,
        negative_sampling_rate=0.1,
        block_bytes=2048,
    )
    assert ExampleGenConfig.from_json(config.to_json()) == config

import pytest
from pydantic import ValidationError

from components.errors import InputError
from components.trainer.config import TrainerConfig
from components.trainer.tuning.config import TunerConfig

RATE = {"dense_optimizer.learning_rate": {"min": 1e-4, "max": 1, "sampling": "log"}}


def make(**fields):
    return TunerConfig.model_validate(fields)


def test_config_survives_json():
    config = make(
        search={
            "fields": {**RATE, "top_mlp": {"values": [[8], [8, 4]]}, "epochs": {"min": 1, "max": 2}}
        },
        batch_sizes={},
        learning_rate_range={"num_seeds": 1},
    )
    assert TunerConfig.from_json(config.to_json()) == config
    assert type(TunerConfig.from_json(config.to_json()).search.fields["epochs"].min) is int


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "expected learning_rate_range, batch_sizes or search"),
        ({"batch_sizes": {"min_batch_size": 9, "max_batch_size": 8}}, "at most max_batch_size 8"),
        ({"search": {"fields": {}}}, "at least 1 item"),
        ({"search": {"fields": {"epochs": {"min": 1}}}}, "either values, or min and max"),
        ({"search": {"fields": {"epochs": {"min": 1, "max": 2, "values": [1]}}}}, "either values"),
        ({"search": {"fields": {"epochs": {"min": 2, "max": 2}}}}, "min below max"),
        (
            {"search": {"fields": {"seed": {"min": 0, "max": 2, "sampling": "log"}}}},
            "sampling log: expected min above 0",
        ),
        ({"search": {"algorithm": "grid", "fields": RATE}}, "a grid has no range"),
        (
            {
                "search": {
                    "algorithm": "grid",
                    "max_trials": 5,
                    "fields": {
                        "epochs": {"values": [1, 2]},
                        "embedding_dim": {"values": [1, 2, 3]},
                    },
                }
            },
            "max_trials: expected at least 6",
        ),
    ],
)
def test_bad_value_says_what_was_expected(fields, message):
    with pytest.raises(ValidationError, match=message):
        make(**fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"nope": {"values": [1]}}, "fields.nope: nope"),
        ({"epochs": {"values": [1, 0]}}, "fields.epochs: epochs: .*received 0"),
        ({"embedding_dim": {"min": 0, "max": 8}}, "fields.embedding_dim: .*received 0"),
        ({"variant": {"values": ["a"]}}, "variant cannot be tuned"),
        ({"negative_sampling_rate": {"values": [0.5]}}, "negative_sampling_rate cannot be tuned"),
    ],
)
def test_fields_are_checked_against_the_trainer(fields, message):
    config = make(search={"fields": fields})
    with pytest.raises(InputError, match=message):
        config.check_fields(TrainerConfig())


def test_allowed_fields_pass_the_check():
    make(search={"fields": {**RATE, "top_mlp": {"values": [[8], []]}}}).check_fields(
        TrainerConfig()
    )


def test_several_machines_are_refused():
    with pytest.raises(InputError, match="multi_worker"):
        make(batch_sizes={}).check_fields(TrainerConfig(device="multi_worker"))


@pytest.mark.parametrize("device", ["gpu", "multi_gpu", "tpu"])
def test_trials_at_once_are_refused_where_a_device_belongs_to_one_process(device):
    config = make(search={"fields": RATE, "parallel_trials": 2})
    with pytest.raises(InputError, match=f"parallel_trials: expected 1 on device {device}.*2"):
        config.check_fields(TrainerConfig(device=device))


@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_trials_at_once_are_allowed_on_cpus(device):
    config = make(search={"fields": RATE, "parallel_trials": 2})
    config.check_fields(TrainerConfig(device=device))

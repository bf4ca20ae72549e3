import pytest
from pydantic import ValidationError

from components.errors import InputError
from components.evaluator.config import EvaluatorConfig, LatencyConfig, Limit, check_baseline


def test_config_comes_back_from_its_json():
    config = EvaluatorConfig(
        baseline="hashing",
        max_auc_loss=0.01,
        constraints={"max_serving_bytes": "10MB"},
        slices={"columns": ["C3"]},
    )
    assert EvaluatorConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_auc_loss", -0.001),
        ("batch_size", 0),
        ("num_resamples", 99),
        ("baseline", ""),
        ("confidence", 1.0),
        ("threshold", 0.0),
        ("objective", "size"),
        ("objective", "calibration"),
        ("objective", "latency_p99_batch0"),
        ("latency", {"batch_sizes": [1, 1]}),
        ("latency", {"batch_sizes": [0]}),
    ],
)
def test_config_with_a_value_out_of_range_names_the_field(field, value):
    with pytest.raises(ValidationError, match=field):
        EvaluatorConfig(**{field: value})


def test_limits_know_measure_direction_and_bytes():
    constraints = {"max_serving_bytes": "10MB", "min_train_examples_per_second": 20_000}
    assert EvaluatorConfig(constraints=constraints).limits() == (
        Limit("max_serving_bytes", "serving_bytes", True, 1e7),
        Limit("min_train_examples_per_second", "train_examples_per_second", False, 20_000.0),
    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("serving_bytes", 1, "expected max_ or min_ and a measure"),
        ("max_size", 1, "expected max_ or min_ and a measure"),
        ("max_serving_bytes", "ten", "ten"),
        ("max_train_seconds", "10MB", "expected a number"),
    ],
)
def test_constraint_that_says_nothing_is_refused(name, value, message):
    with pytest.raises(ValidationError, match=message):
        EvaluatorConfig(constraints={name: value})


def test_latency_that_is_needed_must_be_measured():
    with pytest.raises(ValidationError, match=r"latency_p99_batch64 needs 64 among .*\[1, 128"):
        EvaluatorConfig(objective="latency_p99_batch64")
    with pytest.raises(ValidationError, match=r"latency_p50_batch1 needs 1 among .*\[\]"):
        EvaluatorConfig(
            constraints={"max_latency_p50_batch1": 1}, latency=LatencyConfig(batch_sizes=())
        )


def test_unknown_baseline_names_field_and_known_variants():
    expected = r"evaluator\.baseline: .*a, b; received 'full'"
    with pytest.raises(InputError, match=expected):
        check_baseline(EvaluatorConfig(), ["b", "a"])

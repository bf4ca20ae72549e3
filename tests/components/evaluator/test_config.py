import pytest
from pydantic import ValidationError

from components.errors import InputError
from components.evaluator.config import EvaluatorConfig, check_baseline


def test_config_comes_back_from_its_json():
    config = EvaluatorConfig(baseline="hashing", max_auc_loss=0.01, best_auc_roc=0.8)
    assert EvaluatorConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ("field", "value"),
    [("max_auc_loss", -0.001), ("batch_size", 0), ("num_thresholds", 10_001), ("baseline", "")],
)
def test_config_with_a_value_out_of_range_names_the_field(field, value):
    with pytest.raises(ValidationError, match=field):
        EvaluatorConfig(**{field: value})


def test_unknown_baseline_names_field_and_known_variants():
    expected = r"evaluator\.baseline: .*a, b; received 'full'"
    with pytest.raises(InputError, match=expected):
        check_baseline(EvaluatorConfig(), ["b", "a"])

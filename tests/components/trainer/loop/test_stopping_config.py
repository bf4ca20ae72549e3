import pytest
from pydantic import ValidationError

from components.trainer.config import TrainerConfig

VALIDATION = {"validation_fraction": 0.1, "evals_per_epoch": 4}


@pytest.mark.parametrize("field", ["early_stopping", "reduce_on_plateau"])
@pytest.mark.parametrize("missing", ["validation_fraction", "evals_per_epoch"])
def test_patience_without_validation_rows_is_refused(field: str, missing: str) -> None:
    values = {**VALIDATION, missing: 0, field: {"patience": 1}}
    with pytest.raises(ValidationError, match=rf"{field}\.patience needs {missing} above 0"):
        TrainerConfig(**values)


@pytest.mark.parametrize("field", ["early_stopping", "reduce_on_plateau"])
def test_patience_with_validation_rows_is_taken(field: str) -> None:
    config = TrainerConfig(**VALIDATION, **{field: {"patience": 1}})
    assert getattr(config, field).patience == 1


def test_by_default_nothing_is_held_out_and_nothing_stops() -> None:
    config = TrainerConfig()
    assert (config.validation_fraction, config.evals_per_epoch) == (0.0, 0)
    assert (config.early_stopping.patience, config.reduce_on_plateau.patience) == (0, 0)

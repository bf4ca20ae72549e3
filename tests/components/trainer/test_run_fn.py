import importlib
from pathlib import Path

import pytest

from components.trainer.config import TrainerConfig
from tests.components.trainer.conftest import TinySplits


@pytest.mark.parametrize("times", [1, 2])
def test_run_fn_writes_model_and_run_also_after_a_reload(
    tiny_splits: TinySplits, tmp_path: Path, times: int
) -> None:
    from tfx.components.trainer.fn_args_utils import FnArgs

    from components.trainer import run_fn

    for _ in range(times):
        importlib.reload(run_fn)
    run_fn.run_fn(
        FnArgs(
            train_files=[f"{tiny_splits.train}/*"],
            eval_files=[f"{tiny_splits.eval}/*"],
            transform_graph_path=str(tiny_splits.graph),
            serving_model_dir=str(tmp_path / "serving"),
            model_run_dir=str(tmp_path / "run"),
            custom_config={"config": TrainerConfig().to_json(), "code_version": "1"},
        )
    )
    assert (tmp_path / "serving" / "saved_model.pb").exists()
    assert (tmp_path / "run" / "training.json").exists()


@pytest.fixture
def trained(monkeypatch):
    """What `train_and_export` was called with."""
    from components.trainer import run_fn

    calls = []
    monkeypatch.setattr(run_fn, "train_and_export", lambda **arguments: calls.append(arguments))
    return calls


def _run(tmp_path, custom_config, hyperparameters=None, execution=3):
    from tfx.components.trainer.fn_args_utils import FnArgs

    from components.trainer import run_fn

    run_fn.run_fn(
        FnArgs(
            model_run_dir=str(tmp_path / "Trainer_full/model_run" / str(execution)),
            custom_config={"code_version": "1", **custom_config},
            hyperparameters=hyperparameters,
        )
    )


def test_tuned_values_reach_the_training_and_those_of_the_variant_stay(tmp_path, trained):
    config = TrainerConfig(batch_size=32, embedding_dim=4)
    found = {"space": [], "values": {"batch_size": 512, "embedding_dim": 8}}
    _run(tmp_path, {"config": config.to_json(), "own_fields": ["embedding_dim"]}, found)
    assert trained[0]["config"] == TrainerConfig(batch_size=512, embedding_dim=4)


def test_without_a_tuner_the_variant_is_trained_as_configured(tmp_path, trained):
    config = TrainerConfig(batch_size=32)
    _run(tmp_path, {"config": config.to_json()})
    assert trained[0]["config"] == config


def test_next_try_of_a_step_finds_the_checkpoints_of_the_one_before(tmp_path, trained):
    for execution in (3, 4):
        _run(tmp_path, {"config": TrainerConfig().to_json()}, execution=execution)
    roots = {call["checkpoints_root"] for call in trained}
    assert roots == {str(tmp_path / "Trainer_full/unfinished")}
    assert trained[0]["code_version"] == "1"

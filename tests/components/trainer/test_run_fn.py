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

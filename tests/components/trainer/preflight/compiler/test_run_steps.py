"""What is compiled is what is trained: an exported step gives TensorFlow's losses."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.trainer.architecture import make_dlrm
from components.trainer.config import TrainerConfig
from components.trainer.exported_step import (
    NUM_STEPS,
    batch_inputs,
    batch_specs,
    export_step,
    lower_step,
    make_step,
)
from components.trainer.train_step import TrainStep
from tests.components.trainer.click_batches import (
    DENSE_WIDTH,
    VOCABULARY_SIZES,
    make_batches,
    make_config,
)

ROOT = Path(__file__).parents[5]
PYTHON = ROOT / ".venv-preflight/bin/python"
BATCH_SIZE = 32

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="needs `make preflight` once")


def run_elsewhere(config: TrainerConfig, batches: list[Any], folder: Path) -> dict[str, Any]:
    exported = export_step(config, VOCABULARY_SIZES, DENSE_WIDTH, BATCH_SIZE)
    (folder / "program.pb").write_bytes(exported.program)
    (folder / "manifest.json").write_text(json.dumps(exported.manifest))
    # Equal configurations start equal, so these are the values that the program starts from.
    _, step = make_step(config, VOCABULARY_SIZES, DENSE_WIDTH)
    specs = batch_specs(step, BATCH_SIZE, len(VOCABULARY_SIZES), DENSE_WIDTH)
    captured = lower_step(step, specs, config.variant).captured
    inputs = [
        np.stack([each.numpy() for each in column])
        for column in zip(*(batch_inputs(step, batch) for batch in batches), strict=True)
    ]
    values = [*inputs, *(tf.convert_to_tensor(value).numpy() for value in captured)]
    np.savez(folder / "values.npz", **{f"argument_{i}": v for i, v in enumerate(values)})
    command = [str(PYTHON), "-m", "components.trainer.preflight.compiler.run_steps", "program.pb"]
    command += ["--manifest", "manifest.json", "--values", "values.npz", "--result", "result.json"]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "result.json").read_text())


def check(config: TrainerConfig, folder: Path) -> None:
    batches = list(make_batches(5, BATCH_SIZE))
    network = make_dlrm(config, VOCABULARY_SIZES, DENSE_WIDTH)
    step = TrainStep(network, config, NUM_STEPS)
    expected = [float(step(batch)) for batch in batches]
    result = run_elsewhere(config, batches, folder)
    np.testing.assert_allclose(result["losses"], expected, atol=1e-5)
    assert len(set(result["losses"])) == len(result["seconds"]) == 5
    assert result["device"].startswith("cpu")


@pytest.mark.slow
def test_losses_are_those_of_tensorflow(tmp_path: Path) -> None:
    check(make_config(embedding_optimizer={"name": "adagrad"}), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["sgd", "rowwise_adagrad", "adam"])
def test_losses_by_an_optimizer_are_those_of_tensorflow(optimizer: str, tmp_path: Path) -> None:
    chosen = {"name": optimizer, "learning_rate": 0.05}
    check(make_config(embedding_optimizer=chosen, gradient_clip_norm=0.1), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["cafe", "hashing", "robe", "unified + int4", "tensor_train"])
def test_losses_of_a_method_are_those_of_tensorflow(method: str, tmp_path: Path) -> None:
    check(make_config(embedding={"method": method}, min_table_rows=100), tmp_path)

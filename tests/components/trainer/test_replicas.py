"""Every kind of device trains as a single CPU does. Replicas need processes of their own."""

import dataclasses
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.trainer.config import TrainerConfig
from components.trainer.data import find_files
from components.trainer.devices import Devices, make_devices
from schemas.serving import PROBABILITY, RAW_FEATURES
from tests.components.trainer import replicas
from tests.components.trainer.conftest import TinySplits
from tests.components.trainer.small_log import with_weights

pytestmark = pytest.mark.slow

_SMALL = {"bottom_mlp": (8,), "top_mlp": (8,), "embedding_dim": 4, "batch_size": 64}
_SMALL |= {"tpu": {"min_table_rows": 50}}
_SGD = {"name": "sgd", "learning_rate": 0.3}
CONFIGS = {
    "adagrad": TrainerConfig.model_validate(_SMALL | {"embedding": {"method": "hashing"}}),
    "clipped_sgd": TrainerConfig.model_validate(
        _SMALL
        | {"dense_optimizer": _SGD, "embedding_optimizer": _SGD, "gradient_clip_norm": 0.05}
        | {"wide": True, "embedding_dims": {"C3": 2}}
    ),
}


@dataclass(frozen=True)
class Results:
    """Of a training on one kind of device: the folders that `replicas` wrote, one a config."""

    folder: Path
    num_workers: int

    def of_workers(self, name: str) -> list[dict[str, np.ndarray]]:
        found = [dict(np.load(path)) for path in sorted((self.folder / name).glob("*.npz"))]
        assert len(found) == self.num_workers
        return found

    def of_chief(self, name: str) -> dict[str, np.ndarray]:
        [chief] = [each for each in self.of_workers(name) if each["is_chief"]]
        return chief


@pytest.fixture(scope="module")
def splits(tiny_splits: TinySplits, tmp_path_factory: pytest.TempPathFactory) -> TinySplits:
    """The rows of `tiny_splits`, with weights."""
    folder = tmp_path_factory.mktemp("weighted")
    for name in ("train", "eval"):
        with_weights(find_files([f"{getattr(tiny_splits, name)}/*"]), folder / name)
    return dataclasses.replace(tiny_splits, train=folder / "train", eval=folder / "eval")


def _start(device: str, splits: TinySplits, folder: Path, **environment: str) -> subprocess.Popen:
    configs = folder / "configs.json"
    fields = {name: config.model_dump(mode="json") for name, config in CONFIGS.items()}
    configs.write_text(json.dumps(fields))
    paths = [configs, splits.graph, f"{splits.train}/*", f"{splits.eval}/*", folder]
    return subprocess.Popen(
        [sys.executable, "-m", "tests.components.trainer.replicas", device, *map(str, paths)],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _wait_for(processes: list[subprocess.Popen]) -> None:
    try:
        for process in processes:
            output, _ = process.communicate(timeout=600)
            assert process.returncode == 0, output[-5_000:]
    finally:
        for process in processes:
            process.kill()


def _free_ports(num_ports: int) -> Iterator[int]:
    with ExitStack() as stack:
        for _ in range(num_ports):
            listener = stack.enter_context(socket.socket())
            listener.bind(("localhost", 0))
            yield listener.getsockname()[1]


def _run(devices: Devices, splits: TinySplits, folder: Path) -> Results:
    """Runs all configurations in this process."""
    files = find_files([f"{splits.train}/*"]), find_files([f"{splits.eval}/*"])
    for name, config in CONFIGS.items():
        (folder / name).mkdir()
        replicas.run(devices, config, splits.graph, *files, folder / name)
    return Results(folder, 1)


@pytest.fixture(scope="module")
def single(splits: TinySplits, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """What one CPU gives."""
    return _run(make_devices("cpu"), splits, tmp_path_factory.mktemp("single"))


@pytest.fixture(scope="module", params=["tpu", "two_logical_cpus", "two_workers"])
def others(
    request: pytest.FixtureRequest,
    splits: TinySplits,
    tmp_path_factory: pytest.TempPathFactory,
) -> Results:
    """What others give: the way of TPUs, off a TPU; two devices of a process; two processes."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "tpu":
        return _run(Devices(tf.distribute.get_strategy(), is_tpu=True), splits, folder)
    if request.param == "two_logical_cpus":
        _wait_for([_start(request.param, splits, folder)])
        return Results(folder, 1)
    cluster = {"worker": [f"localhost:{port}" for port in list(_free_ports(2))]}
    tasks = [{"type": "worker", "index": index} for index in (0, 1)]
    tf_configs = [json.dumps({"cluster": cluster, "task": task}) for task in tasks]
    _wait_for([_start("multi_worker", splits, folder, TF_CONFIG=c) for c in tf_configs])
    return Results(folder, 2)


@pytest.mark.parametrize("name", CONFIGS)
def test_other_devices_have_the_losses_of_one_device(
    single: Results, others: Results, name: str
) -> None:
    expected = single.of_chief(name)
    assert expected["losses"].shape == (11,)  # 700 rows in batches of 64, the last one padded
    for worker in others.of_workers(name):
        np.testing.assert_allclose(worker["losses"], expected["losses"], atol=1e-5)


@pytest.mark.parametrize("name", CONFIGS)
def test_other_devices_end_with_the_weights_of_one_device(
    single: Results, others: Results, name: str
) -> None:
    expected = single.of_chief(name)
    names = [key for key in expected if key.startswith("weights")]
    assert len(names) > 8
    for worker in others.of_workers(name):
        for key in names:
            np.testing.assert_allclose(worker[key], expected[key], atol=1e-5, err_msg=key)


@pytest.mark.parametrize("name", CONFIGS)
def test_other_devices_evaluate_as_one_device(single: Results, others: Results, name: str) -> None:
    expected = single.of_chief(name)
    figures = [key for key in expected if key.startswith("figure_")]
    assert len(figures) == 6
    for worker in others.of_workers(name):
        for key in figures:
            assert worker[key] == pytest.approx(expected[key], abs=1e-5), key


@pytest.mark.parametrize("name", CONFIGS)
def test_other_devices_give_the_logits_of_a_teacher_in_the_order_of_the_rows(
    single: Results, others: Results, name: str
) -> None:
    expected = single.of_chief(name)["teacher_logits"]
    assert len(expected) == 700
    for worker in others.of_workers(name):
        np.testing.assert_allclose(worker["teacher_logits"], expected, atol=1e-5)


def test_workers_end_with_identical_weights(others: Results) -> None:
    first, *rest = others.of_workers("adagrad")
    for worker in rest:
        for key in first:
            if key.startswith("weights"):
                np.testing.assert_array_equal(worker[key], first[key])


@pytest.mark.parametrize("name", ["adagrad"])
def test_other_devices_export_the_signature_and_predictions_of_one_device(
    single: Results, others: Results, tiny_splits: TinySplits, name: str
) -> None:
    models = [tf.saved_model.load(str(r.folder / name / "model")) for r in (single, others)]
    signatures = [model.signatures[RAW_FEATURES] for model in models]
    specs = [s.structured_input_signature for s in signatures]
    assert specs[0] == specs[1]
    raw = {name: tf.constant(values) for name, values in tiny_splits.raw_eval.items()}
    expected, actual = (signature(**raw)[PROBABILITY].numpy() for signature in signatures)
    np.testing.assert_allclose(actual, expected, atol=1e-5)

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from components.errors import InputError
from components.trainer.architecture import make_dlrm
from components.trainer.config import TrainerConfig
from components.trainer.devices import Devices, make_devices
from components.trainer.model import Dlrm
from components.trainer.strategies import best_device
from components.trainer.train_step import TrainStep
from tests.components.trainer.click_batches import (
    DENSE_WIDTH,
    VOCABULARY_SIZES,
    make_batches,
    make_config,
)

NUM_BATCHES = 6


def make(config: TrainerConfig, jit_compile: bool = False) -> tuple[Dlrm, TrainStep]:
    network = make_dlrm(config, VOCABULARY_SIZES, DENSE_WIDTH)
    return network, TrainStep(network, config, NUM_BATCHES, jit_compile)


@pytest.fixture
def no_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow lists the CPU alone, whatever this machine has."""
    for name in ("list_physical_devices", "list_logical_devices"):
        of_kind = getattr(tf.config, name)
        monkeypatch.setattr(tf.config, name, lambda kind=None, of=of_kind: _cpus(of, kind))


def _cpus(list_devices: Callable[[str], list[Any]], kind: str | None) -> list[Any]:
    return list_devices("CPU") if kind in (None, "CPU") else []


@pytest.mark.usefixtures("no_accelerator")
def test_auto_is_the_cpu_where_nothing_else_is() -> None:
    assert best_device() == "cpu"


def test_a_cpu_is_one_replica_that_holds_the_variables() -> None:
    devices = make_devices("cpu")
    assert devices.num_replicas == 1
    assert devices.jit_compile
    assert devices.is_chief
    with devices.scope():
        assert "CPU" in tf.Variable(0.0).device


@pytest.mark.usefixtures("no_accelerator")
@pytest.mark.parametrize(
    ("device", "expected"), [("gpu", "a GPU"), ("multi_gpu", "two or more GPUs"), ("tpu", "a TPU")]
)
def test_a_device_that_is_not_there_is_refused(device: str, expected: str) -> None:
    with pytest.raises(InputError, match=rf"^device {device}: expected {expected}, .* sees . CPU$"):
        make_devices(device)


@pytest.mark.parametrize(
    ("num_tpus", "num_gpus", "expected"),
    [(8, 0, "tpu"), (1, 2, "tpu"), (0, 2, "multi_gpu"), (0, 1, "gpu"), (0, 0, "cpu")],
)
def test_auto_takes_the_fastest_that_tensorflow_sees(
    num_tpus: int, num_gpus: int, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {"TPU": num_tpus, "GPU": num_gpus}
    for name in ("list_physical_devices", "list_logical_devices"):
        monkeypatch.setattr(tf.config, name, lambda kind: [kind] * seen[kind])
    assert best_device() == expected


@pytest.mark.parametrize(
    "make_strategy",
    [
        lambda: tf.distribute.OneDeviceStrategy("/cpu:0"),
        lambda: tf.distribute.MirroredStrategy(["/cpu:0"]),
    ],
)
def test_a_strategy_of_one_device_trains_as_the_default_one(
    make_strategy: Callable[[], tf.distribute.Strategy],
) -> None:
    losses, weights = [], []
    for devices in (make_devices("cpu"), Devices(make_strategy())):
        with devices.scope():
            network, step = make(make_config(), devices.jit_compile)
            iterator = iter(devices.distribute(make_batches(NUM_BATCHES), step.prepare))
            loop = devices.compile_loop(step, iterator)
        losses.append(loop(iterator, NUM_BATCHES).numpy())
        plain = devices.to_plain(network, lambda: make(make_config())[0], "")
        weights.append(plain.get_weights())
    np.testing.assert_allclose(losses[1], losses[0], atol=1e-6)
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_several_workers_without_addresses_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(InputError, match=r"^device multi_worker: .* TF_CONFIG, received none$"):
        make_devices("multi_worker")


def test_a_loop_takes_the_steps_one_by_one() -> None:
    devices, dataset = make_devices("cpu"), make_batches(NUM_BATCHES)
    (network, step), (twin, twin_step) = make(make_config()), make(make_config())
    one = devices.compile(twin_step, dataset.element_spec)
    expected = [float(one(batch)) for batch in devices.distribute(dataset, twin_step.prepare)]
    iterator = iter(devices.distribute(dataset, step.prepare))
    loop = devices.compile_loop(step, iterator)
    losses = [loop(iterator, num_steps).numpy() for num_steps in (1, 3, 2)]
    assert [len(each) for each in losses] == [1, 3, 2]
    np.testing.assert_array_equal(np.concatenate(losses), np.array(expected, np.float32))
    for one_weight, other in zip(network.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(one_weight, other)


def test_a_loop_goes_on_with_another_iterator() -> None:
    devices, dataset = make_devices("cpu"), make_batches(NUM_BATCHES)
    _, step = make(make_config())
    loop = devices.compile_loop(step, iter(devices.distribute(dataset, step.prepare)))
    for _ in range(2):
        iterator = iter(devices.distribute(dataset, step.prepare))
        assert loop(iterator, NUM_BATCHES).shape == (NUM_BATCHES,)
        assert next(iterator, None) is None


def test_a_batch_that_replicas_cannot_share_is_refused() -> None:
    devices = make_devices("cpu")
    devices.num_replicas = 3
    with pytest.raises(InputError, match=r"^batch_size: .* number of replicas, 3, received 32$"):
        devices.distribute(make_batches(1), lambda batch: batch)


def test_a_network_of_a_single_device_is_plain_already() -> None:
    network, _ = make(make_config())
    assert make_devices("cpu").to_plain(network, lambda: pytest.fail("made"), "") is network


@pytest.mark.parametrize(("num_replicas", "expected"), [(1, 8192), (3, 8193), (8, 8192)])
def test_replicas_share_the_batches_of_an_evaluation(num_replicas: int, expected: int) -> None:
    devices = make_devices("cpu")
    devices.num_replicas = num_replicas
    assert devices.evaluation_batch_rows(8192, batch_size=64) == expected


def test_a_tpu_compiles_a_step_itself() -> None:
    assert not Devices(tf.distribute.get_strategy(), is_tpu=True).jit_compile


def test_tpus_evaluate_in_the_batches_of_the_training() -> None:
    devices = Devices(tf.distribute.get_strategy(), is_tpu=True)
    assert devices.evaluation_batch_rows(8192, batch_size=64) == 64

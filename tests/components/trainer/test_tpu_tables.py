"""The way of TPUs, off a TPU: `TPUEmbedding` looks up and trains on a CPU too."""

import types
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from components.errors import InputError
from components.trainer import tpu_tables
from components.trainer.architecture import make_dlrm
from components.trainer.config import TrainerConfig
from components.trainer.devices import Devices, make_devices
from components.trainer.model import ROWS, Dlrm
from components.trainer.optimizers import make_embedding_optimizer
from components.trainer.tables import EmbeddingTables
from components.trainer.tpu_tables import TpuTables
from components.trainer.train_step import TrainStep
from tests.components.trainer import test_tables
from tests.components.trainer.click_batches import (
    DENSE_WIDTH,
    VOCABULARY_SIZES,
    make_batches,
    make_config,
)

NUM_BATCHES = 6


def off_a_tpu() -> Devices:
    return Devices(tf.distribute.get_strategy(), is_tpu=True)


def make_tpu_config(optimizer: str = "adagrad", **fields: object) -> TrainerConfig:
    """Of three tables, that of C2 is small."""
    chosen = {"name": optimizer, "learning_rate": 0.1, "decay": "linear"}
    values = {"embedding_optimizer": chosen, "tpu": {"min_table_rows": 51}, **fields}
    return make_config(**values)


def train(devices: Devices, config: TrainerConfig, folder: Path) -> tuple[np.ndarray, Dlrm]:
    """The losses, and the trained network off the devices."""
    with devices.scope():
        network = make_dlrm(config, VOCABULARY_SIZES, DENSE_WIDTH, devices.make_tables(config))
        step = TrainStep(network, config, NUM_BATCHES, devices.jit_compile)
        iterator = iter(devices.distribute(make_batches(NUM_BATCHES), step.prepare))
        losses = devices.compile_loop(step, iterator)(iterator, NUM_BATCHES).numpy()
    plain = devices.to_plain(
        network, lambda: make_dlrm(config, VOCABULARY_SIZES, DENSE_WIDTH), str(folder)
    )
    return losses, plain


@pytest.mark.parametrize(
    ("optimizer", "fields"),
    [
        ("sgd", {"wide": True, "embedding_dims": {"C2": 2}, "gradient_clip_norm": 0.05}),
        ("adagrad", {"embedding": {"method": "quotient_remainder"}, "min_table_rows": 100}),
        ("adagrad", {"embedding": {"method": "unified"}, "min_table_rows": 10}),
    ],
)
def test_losses_and_weights_are_those_of_a_cpu(
    optimizer: str, fields: dict[str, object], tmp_path: Path
) -> None:
    config = make_tpu_config(optimizer, **fields)
    expected_losses, expected = train(make_devices("cpu"), config, tmp_path)
    losses, network = train(off_a_tpu(), config, tmp_path)
    assert type(network.tables) is EmbeddingTables
    np.testing.assert_allclose(losses, expected_losses, atol=1e-5)
    for weight, twin in zip(network.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(weight, twin, atol=1e-5)


def test_only_small_tables_lie_in_stacks() -> None:
    config = make_tpu_config()
    tables = make_dlrm(config, VOCABULARY_SIZES, DENSE_WIDTH, lambda e: TpuTables(e, config)).tables
    assert [tuple(stack.shape) for stack in tables.stacks] == [(2, 128)]  # 50 rows, 32 in a line


def test_the_host_adds_the_rows_to_a_batch() -> None:
    config = make_tpu_config()
    devices = off_a_tpu()
    network = make_dlrm(config, VOCABULARY_SIZES, DENSE_WIDTH, devices.make_tables(config))
    step = TrainStep(network, config, 1, devices.jit_compile)
    [(features, _, _)] = devices.distribute(make_batches(1), step.prepare)
    [(plain, _, _)] = make_batches(1)
    ids = plain["categorical"].numpy()
    small, first, third = features[ROWS]
    np.testing.assert_array_equal(small.numpy(), ids[:, 1:2])
    np.testing.assert_array_equal(first.numpy(), ids[:, 0])
    np.testing.assert_array_equal(third.numpy(), ids[:, 2])


@pytest.mark.parametrize("dtype", [tf.int32, tf.int64])
def test_vectors_and_updates_are_those_of_plain_tables(dtype: tf.DType) -> None:
    """Also where an id needs several rows of a table."""
    plain, ids = test_tables.make_tables(), test_tables.make_ids(dtype)
    config = make_tpu_config("sgd", tpu={"min_table_rows": 40})
    tables = TpuTables(test_tables.make_tables().embeddings, config)
    factor = tf.Variable(1.0)
    for each in (plain, tables):
        optimizer = make_embedding_optimizer(config.embedding_optimizer, 10, factor)
        each.use_optimizer(optimizer)
        for _ in range(2):
            gathered, update = each.gather_to_train(each.rows(ids))
            with tf.GradientTape() as tape:
                tape.watch(gathered)
                vectors = each.combine(gathered, ids)
                loss = tf.add_n([tf.reduce_sum(tf.sin(9.0 * v)) for v in vectors])
            update(optimizer, tape.gradient(loss, gathered))
    assert [tuple(s.shape) for s in tables.stacks] == [(1, 125), (1, 125), (1, 128)]
    for actual, expected in zip(tables(ids), plain(ids), strict=True):
        np.testing.assert_allclose(actual.numpy(), expected.numpy(), rtol=1e-5, atol=1e-5)


def test_a_lookup_without_an_optimizer_is_refused() -> None:
    tables = TpuTables(test_tables.make_tables().embeddings, make_tpu_config())
    with pytest.raises(RuntimeError, match="expected use_optimizer"):
        tables(test_tables.make_ids(tf.int32))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "adam"}, "name: expected sgd or adagrad, .* received adam"),
        ({"name": "rowwise_adagrad"}, "name: expected sgd or adagrad, .* received rowwise_adagrad"),
        ({"initial_accumulator_value": 0}, "initial_accumulator_value: expected more than 0"),
    ],
)
def test_an_optimizer_that_tpus_lack_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        make_config(device="tpu", embedding_optimizer=fields)
    config = make_config(embedding_optimizer=fields)  # "auto" may find a TPU
    with pytest.raises(InputError, match=message):
        TpuTables(test_tables.make_tables().embeddings, config)


def test_tables_that_start_anew_are_refused() -> None:
    config = make_tpu_config(reset_tables=True)
    with pytest.raises(InputError, match=r"^reset_tables: expected false on TPUs"):
        TpuTables(test_tables.make_tables().embeddings, config)


def test_a_method_that_changes_tables_between_steps_is_refused() -> None:
    halved = test_tables.Halved(np.random.default_rng(0))
    with pytest.raises(InputError, match="change no table between steps on TPUs"):
        TpuTables([halved], make_tpu_config())


def test_a_host_starts_with_its_part_of_a_table() -> None:
    place = tpu_tables.Place(0, 0, test_tables.make_tables().embeddings[1].tables[0])
    initializer = tpu_tables._table_config(place).initializer
    whole = place.table.initial_values().numpy()
    np.testing.assert_array_equal(initializer(whole.shape, tf.float32).numpy(), whole)
    part = types.SimpleNamespace(shape=(3, 5), offset=(4, 0))
    np.testing.assert_array_equal(initializer(whole.shape, shard_info=part).numpy(), whole[4:7])


@pytest.mark.parametrize("pipelined", [False, True])
def test_the_layer_is_told_whether_to_run_ahead(
    pipelined: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    received = []

    class Recorded(tpu_tables.TPUEmbedding):
        def __init__(self, *args: object, **options: object) -> None:
            received.append(options["pipeline_execution_with_tensor_core"])
            super().__init__(*args, **options)

    monkeypatch.setattr(tpu_tables, "TPUEmbedding", Recorded)
    config = make_tpu_config(tpu={"min_table_rows": 1, "pipelined_execution": pipelined})
    network = make_dlrm(config, VOCABULARY_SIZES, DENSE_WIDTH, lambda e: TpuTables(e, config))
    TrainStep(network, config, 1)
    assert received == [pipelined]


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad"])
def test_a_step_without_large_tables_is_compiled_whole_with_static_shapes(optimizer: str) -> None:
    config = make_tpu_config(optimizer, wide=True, tpu={"min_table_rows": 10_000})
    dataset = make_batches(1)
    [batch] = dataset
    losses = []
    for whole in (True, False):
        network = make_dlrm(config, VOCABULARY_SIZES, DENSE_WIDTH, lambda e: TpuTables(e, config))
        step = TrainStep(network, config, 1, jit_compile=not whole)
        compiled = tf.function(step, autograph=False, jit_compile=whole or None)
        losses.append([float(compiled(batch)) for _ in range(2)])
        if whole:
            graph = compiled.get_concrete_function(dataset.element_spec).graph
            tensors = [t for op in graph.get_operations() for t in op.outputs]
            assert len(tensors) > 100
            assert [t.name for t in tensors if not t.shape.is_fully_defined()] == []
    np.testing.assert_allclose(losses[0], losses[1], atol=1e-6)

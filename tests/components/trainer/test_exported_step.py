from collections.abc import Callable

import numpy as np
import psutil
import pytest
import tensorflow as tf
from tensorflow.compiler.xla import xla_data_pb2
from tensorflow.compiler.xla.service import hlo_pb2

from components.errors import InputError
from components.trainer.data import TEACHER_LOGIT
from components.trainer.embeddings.full import Full
from components.trainer.exported_step import (
    ExportedStep,
    ExportError,
    batch_inputs,
    batch_specs,
    export_step,
    make_step,
)
from components.trainer.registry import known_methods
from schemas.transformed import CATEGORICAL, DENSE
from tests.components.trainer.click_batches import (
    DENSE_WIDTH,
    VOCABULARY_SIZES,
    make_batches,
    make_config,
)

BATCH_SIZE = 8


def export(**fields: object) -> ExportedStep:
    config = make_config(min_table_rows=100, **fields)
    return export_step(config, VOCABULARY_SIZES, DENSE_WIDTH, BATCH_SIZE)


def test_manifest_names_arguments_and_results_in_order() -> None:
    manifest = export(embedding_optimizer={"name": "adagrad"}, batch_size=32).manifest
    arguments = manifest["arguments"]
    assert [(a["name"], a["kind"], a["shape"], a["dtype"]) for a in arguments[:6]] == [
        ("categorical", "input", [8, 3], "int32"),
        ("dense", "input", [8, 5], "float32"),
        ("label", "input", [8], "float32"),
        ("weight", "input", [8], "float32"),
        ("rows", "input", [8, 2], "int32"),
        ("rows#2", "input", [8, 1], "int32"),
    ]
    assert {a["kind"] for a in arguments[6:]} == {"variable"}
    tables = [tuple(a["shape"]) for a in arguments if a["is_table"]]
    assert tables == [(11, 128), (32, 128)]  # of 350 and 1,000 rows, 32 in a line
    slots = [tuple(a["shape"]) for a in arguments if "/stack/accumulator" in a["name"]]
    assert slots == tables
    assert len({a["name"] for a in arguments}) == len(arguments)
    assert manifest["outputs"][0] == {
        "name": "loss",
        "kind": "loss",
        "shape": [],
        "dtype": "float32",
    }
    assert (manifest["batch_size"], manifest["num_chips"]) == (8, 1)
    assert manifest["config"]["embedding_optimizer"]["name"] == "adagrad"


def test_each_update_shares_the_memory_of_its_variable() -> None:
    manifest = export().manifest
    arguments, outputs = manifest["arguments"], manifest["outputs"]
    assert [output for output, _ in manifest["aliases"]] == list(range(1, len(outputs)))
    for output, argument in manifest["aliases"]:
        assert outputs[output] == {key: arguments[argument][key] for key in outputs[output]}
    # All variables but the factor of the learning rates are updated.
    variables = {i for i, a in enumerate(arguments) if a["kind"] == "variable"}
    left = variables - {argument for _, argument in manifest["aliases"]}
    assert [arguments[index]["shape"] for index in left] == [[]]


def test_operations_of_the_program_have_their_lines() -> None:
    step = export()
    module = hlo_pb2.HloModuleProto.FromString(step.program)
    instructions = [i for c in module.computations for i in c.instructions]
    known = step.manifest["operations"]
    scatters = {i.metadata.op_name for i in instructions if i.opcode == "scatter"}
    assert len(scatters) > 1
    assert all(known[name][1].startswith("components/trainer/") for name in scatters)
    layers = {known[i.metadata.op_name][0] for i in instructions if i.opcode == "dot"}
    assert any("dense" in layer for layer in layers)


@pytest.mark.parametrize("method", [*known_methods(), "unified + int4", "hashing + int8_trained"])
def test_every_method_is_exported_with_static_shapes(method: str) -> None:
    step = export(embedding={"method": method})
    module = hlo_pb2.HloModuleProto.FromString(step.program)
    shapes = [i.shape for c in module.computations for i in c.instructions]
    assert len(shapes) > 100
    assert not any(any(shape.is_dynamic_dimension) for shape in shapes)


@pytest.mark.parametrize("method", known_methods())
def test_no_method_divides_64_bit_integers_on_the_chip(method: str) -> None:
    step = export(embedding={"method": method})
    module = hlo_pb2.HloModuleProto.FromString(step.program)
    divisions = [
        (i.opcode, i.metadata.op_name)
        for c in module.computations
        for i in c.instructions
        if i.opcode in ("divide", "remainder")
        and i.shape.element_type in (xla_data_pb2.S64, xla_data_pb2.U64)
    ]
    assert divisions == []


def test_rows_of_a_batch_are_those_that_the_step_would_find() -> None:
    config = make_config(embedding={"method": "hashing"}, min_table_rows=100)
    network, step = make_step(config, VOCABULARY_SIZES, DENSE_WIDTH)
    [batch] = make_batches(1)
    ids, dense, label, weight, *rows = batch_inputs(step, batch)
    expected = network.rows(batch[0])
    assert [r.numpy().tolist() for r in rows] == [r.numpy().tolist() for r in expected]
    specs = batch_specs(step, 32, len(VOCABULARY_SIZES), DENSE_WIDTH)
    for spec, value in zip(specs, (ids, dense, label, weight, *rows), strict=True):
        assert (spec.shape, spec.dtype) == (value.shape, value.dtype)


def test_student_is_exported_with_the_logits_of_its_teacher() -> None:
    config = {"weight": 0.5, "teacher": {"embedding_dim": 8}}
    arguments = export(distillation=config).manifest["arguments"]
    names = [argument["name"] for argument in arguments if argument["kind"] == "input"]
    assert names[:5] == [CATEGORICAL, DENSE, TEACHER_LOGIT, "label", "weight"]
    assert TEACHER_LOGIT not in {argument["name"] for argument in export().manifest["arguments"]}


def in_python(vector: tf.Tensor) -> tf.Tensor:
    result = tf.py_function(lambda v: v, [vector], tf.float32)
    result.set_shape(vector.shape)
    return result


def of_chosen_size(vector: tf.Tensor) -> tf.Tensor:
    size = tf.cast(tf.reduce_sum(vector), tf.int32)
    return vector + tf.reduce_sum(tf.zeros([size]))


def as_text(vector: tf.Tensor) -> tf.Tensor:
    return vector + tf.strings.to_number(tf.strings.as_string(vector))


@pytest.mark.parametrize(
    ("broken", "operation", "cure"),
    [
        (in_python, "EagerPyFunc", "take what runs in Python"),
        (of_chosen_size, "zeros", "a size that does not depend on the values"),
        (as_text, "AsString", "do it in Transform"),
    ],
)
def test_what_cannot_be_lowered_is_named_with_its_line_and_a_cure(
    broken: Callable[[tf.Tensor], tf.Tensor],
    operation: str,
    cure: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Full, "combine", lambda self, vectors, ids: broken(vectors[0]))
    with pytest.raises(ExportError, match=f"step of variant full: operation {operation}") as caught:
        export()
    error = caught.value
    assert operation in error.operation
    assert error.file.startswith("components/trainer/")
    assert error.layer
    assert cure in error.cure
    assert "function_node" not in str(error)


def test_tables_that_are_too_large_to_fill_are_exported() -> None:
    before = psutil.Process().memory_info().rss
    step = export_step(make_config(), {"C1": 100_000_000}, DENSE_WIDTH, BATCH_SIZE)
    [table] = [a for a in step.manifest["arguments"] if a["is_table"]]
    assert np.prod(table["shape"]) * 4 == 1_600_000_000
    assert psutil.Process().memory_info().rss - before < 500_000_000


def test_a_log_without_dense_features_has_no_such_argument() -> None:
    step = export_step(make_config(), VOCABULARY_SIZES, 0, BATCH_SIZE)
    names = [a["name"] for a in step.manifest["arguments"] if a["kind"] == "input"]
    assert names == ["categorical", "label", "weight", "rows", "rows#2"]


@pytest.mark.parametrize("rows_are_spread", [False, True])
def test_several_chips_share_the_batch_and_perhaps_the_tables(rows_are_spread: bool) -> None:
    sizes = (VOCABULARY_SIZES, DENSE_WIDTH, BATCH_SIZE)
    step = export_step(make_config(), *sizes, num_chips=4, rows_are_spread=rows_are_spread)
    module = hlo_pb2.HloModuleProto.FromString(step.program)
    [entry] = [c for c in module.computations if c.id == module.entry_computation_id]
    cut = {
        step.manifest["arguments"][i.parameter_number]["name"]
        for i in entry.instructions
        if i.opcode == "parameter" and list(i.sharding.tile_assignment_dimensions)[:1] == [4]
    }
    tables = {"stack", "stack#2", "Adagrad/stack/accumulator", "Adagrad/stack/accumulator#2"}
    inputs = {"categorical", "dense", "label", "weight", "rows", "rows#2"}
    assert cut == (inputs | tables if rows_are_spread else inputs)
    assert step.manifest["num_chips"] == 4


def test_a_batch_that_chips_cannot_share_evenly_is_refused() -> None:
    with pytest.raises(
        InputError, match="batch_size: expected a multiple of the 3 chips, received 8"
    ):
        export_step(make_config(), VOCABULARY_SIZES, DENSE_WIDTH, BATCH_SIZE, num_chips=3)

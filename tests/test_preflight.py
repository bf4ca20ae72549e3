"""The preflight with the real TPU compiler, in the environment that `make` sets up."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.python.compiler.xla.experimental import xla_sharding

from components.preflight_result import PreflightResult
from components.trainer.preflight.chips import CHIPS
from components.trainer.preflight.compile_process import compile_in_process
from components.trainer.preflight.diagnosis import diagnose
from components.trainer.preflight.findings.places import Places
from components.trainer.preflight.findings.traffic import collectives
from components.trainer.preflight.hlo.program import parse_program
from components.trainer.preflight.memory import needed_bytes

pytestmark = pytest.mark.slow

_ROOT = Path(__file__).parents[1]
_ENVIRONMENT = ".venv-preflight"


@pytest.fixture(scope="module")
def python():
    """The compiler's interpreter; its packages are downloaded once, 600 MB."""
    subprocess.run(["make", f"{_ENVIRONMENT}/.synced"], cwd=_ROOT, check=True)
    return _ROOT / _ENVIRONMENT / "bin/python"


def _compile(python, chip, function, *specs, num_chips=1):
    lowered = tf.function(function, jit_compile=True, autograph=False)
    program = lowered.experimental_get_compiler_ir(*specs)(stage="hlo_serialized")
    return compile_in_process(program, {"num_chips": num_chips}, chip, python)


def _preflight(python, folder, *flags):
    """What the command finds of the smallest variant on v5e, and what it says."""
    sizes, output = folder / "sizes.json", folder / "preflight.json"
    sizes.write_text(json.dumps({"C1": 5000, "C2": 20, "dense_width": 3}))
    command = [sys.executable, "-m", "pipeline.preflight", "--preset=tiny", "--variants=full"]
    command += ["--device=v5e", "--batch-size=64", f"--vocabulary-sizes={sizes}", *flags]
    command += [f"--output={output}", f"--compiler={python}"]
    command += ["--set=trainer.embedding_optimizer.name=sgd"]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return PreflightResult.model_validate_json(output.read_text()), done.stdout


def test_smallest_variant_compiles_for_v5e(python, tmp_path):
    result, text = _preflight(python, tmp_path, "--max-batch-size=128")
    [cell] = result.cells
    assert (cell.variant, cell.chip, cell.outcome) == ("full", "v5e", "compiles")
    assert result.versions["libtpu"] == "0.0.51"
    # The tables alone are 5,020 rows of 4 numbers; their new values take their place.
    assert 5020 * 4 * 4 < cell.memory.arguments_bytes < cell.memory.total_bytes
    assert cell.memory.aliased_bytes > 5020 * 4 * 4
    assert cell.work.matmul_flops > 0
    assert cell.work.left_out == ()
    assert (cell.largest_batch.fits, cell.largest_batch.does_not_fit) == (128, None)
    assert "full" in text


def test_rows_of_tables_spread_over_four_chips_are_a_part_on_each(python, tmp_path):
    flags = ["--num-chips=4", "--spread=rows", "--max-batch-size=0"]
    result, text = _preflight(python, tmp_path, *flags)
    [cell] = result.cells
    # Lines of 128 numbers: 32 rows of 4 in each.
    assert 5020 * 4 * 4 // 4 < cell.memory.aliased_bytes < 5020 * 4 * 4
    assert "all-reduce" in {each.operation for each in cell.collectives}
    assert "between devices: all-reduce" in text


@pytest.mark.parametrize("chip", CHIPS)
def test_every_chip_refuses_what_is_larger_than_its_memory(chip, python):
    rows = 2 * CHIPS[chip].hbm_bytes // (1024 * 1024 * 4)
    spec = tf.TensorSpec([rows, 1024, 1024], tf.float32)
    found = _compile(python, chip, lambda x: x + 1.0, spec)
    assert found.status == "refused"
    diagnosis = diagnose(found.message, parse_program(found.before), Places({}))
    assert diagnosis.outcome == "does_not_fit"
    assert needed_bytes(found.message) > CHIPS[chip].hbm_bytes
    gib = CHIPS[chip].hbm_bytes / 2**30
    assert f"exceeds available HBM ({gib:.2f}G)" in found.message


def test_texts_of_a_program_come_back_before_and_after_the_compiler(python):
    spec = tf.TensorSpec([256, 256], tf.float32)
    found = _compile(python, "v5p", lambda x: tf.matmul(x, x), spec)
    assert found.status == "compiled"
    before, after = parse_program(found.before), parse_program(found.after)
    assert "dot" in {each.opcode for each in before.instructions}
    assert [str(each.shapes[0]) for each in after.parameters] == ["f32[256,256]"]
    assert after.parameters[0].shapes[0].tile


def test_program_that_is_none_is_refused_with_a_message(python):
    found = compile_in_process(b"no program", {"num_chips": 1}, "v5e", python)
    assert found.status == "refused"
    assert found.message


def test_annotated_batch_is_spread_over_four_chips_with_its_collectives(python):
    def step(rows, weights):
        rows = xla_sharding.split(rows, 0, 4, use_sharding_op=True)
        return tf.reduce_sum(tf.matmul(rows, weights), axis=0)

    specs = tf.TensorSpec([1024, 256], tf.float32), tf.TensorSpec([256, 512], tf.float32)
    found = _compile(python, "v5e", step, *specs, num_chips=4)
    after = parse_program(found.after)
    # Every chip has a quarter of the rows, and the sums of 512 columns are added up.
    assert {str(each.shapes[0]) for each in after.parameters} == {"f32[256,256]", "f32[256,512]"}
    assert [(c.operation, c.count, c.bytes) for c in collectives(after)] == [
        ("all-reduce", 1, 2048)
    ]

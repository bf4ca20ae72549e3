"""How fast the exported train steps run where JAX has a device: the very files that are compiled.

    python -m benchmarks.exported_step --variants full hashing --batch-size 2048
    python -m benchmarks.exported_step --python PATH/bin/python --gigabytes-per-second 4800

`PATH` is an environment with JAX for a GPU, of the versions in `requirements-preflight.txt`; the
preflight's own one has a CPU only. The network has the demo's numbers of ids. Prints a line for
each variant: the device, the median of the examples a second over the steps, and, if the bandwidth
of the memory is given, the share of it that is reached: the bytes of the rows that a step of full
tables must read and write, slots included, by its time.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from components.trainer.config import TrainerConfig
from components.trainer.exported_step import ExportedStep, batch_inputs, export_step, make_step
from components.trainer.registry import known_methods
from components.trainer.train_step import Batch
from pipeline.preflight.default_sizes import DENSE_WIDTH, VOCABULARY_SIZES
from schemas.transformed import CATEGORICAL, DENSE

_ROOT = Path(__file__).resolve().parents[1]
_UNCOUNTED_STEPS = 3


def main() -> None:
    """Runs as the flags say."""
    flags = _parse_flags()
    for variant in flags.variants:
        config = TrainerConfig.model_validate(
            {"embedding": {"method": variant}, "embedding_optimizer": {"name": flags.optimizer}}
        )
        step = export_step(config, VOCABULARY_SIZES, DENSE_WIDTH, flags.batch_size)
        values = make_values(step, config, flags.steps + _UNCOUNTED_STEPS)
        result = _run(step, values, flags.python)
        seconds = statistics.median(result["seconds"][_UNCOUNTED_STEPS:])
        print(f"{variant:28} {result['device']:24} {flags.batch_size / seconds:12,.0f} examples/s")
        if flags.gigabytes_per_second:
            reached = row_bytes(config, flags.batch_size) / seconds / 1e9
            print(f"{'':28} {reached / flags.gigabytes_per_second:.1%} of the memory's bandwidth")
        if result["device"].startswith("cpu"):
            print(f"{'':28} no GPU is at hand: this is JAX on the CPU")


def row_bytes(config: TrainerConfig, batch_size: int) -> int:
    """Returns the bytes of the rows of a full table that a step reads and writes at least."""
    slots = {"sgd": 0, "adagrad": 1, "adam": 2}.get(config.embedding_optimizer.name, 0)
    return 2 * 4 * (1 + slots) * config.embedding_dim * len(VOCABULARY_SIZES) * batch_size


def make_values(step: ExportedStep, config: TrainerConfig, num_steps: int) -> dict[str, np.ndarray]:
    """Returns made-up values of all arguments, those of an input for all steps.

    The rows are those of the made-up ids, as the host would find them.
    """
    rng = np.random.default_rng(0)
    batches = [_make_batch(rng, step.manifest["batch_size"]) for _ in range(num_steps)]
    _, host = make_step(config, VOCABULARY_SIZES, DENSE_WIDTH)
    columns = zip(*(batch_inputs(host, batch) for batch in batches), strict=True)
    inputs = [np.stack([each.numpy() for each in column]) for column in columns]
    kept = [argument for argument in step.manifest["arguments"] if argument["kind"] != "input"]
    # Sums of squares are not negative.
    values = [np.abs(rng.normal(0.0, 0.1, a["shape"])).astype(a["dtype"]) for a in kept]
    return {f"argument_{index}": value for index, value in enumerate([*inputs, *values])}


def _make_batch(rng: np.random.Generator, batch_size: int) -> Batch:
    sizes = np.array(list(VOCABULARY_SIZES.values()))
    ids = sizes * rng.random((batch_size, len(sizes))) ** 4  # small ids are frequent
    features = {
        CATEGORICAL: tf.constant(ids.astype(np.int32)),
        DENSE: tf.constant(rng.normal(size=(batch_size, DENSE_WIDTH)).astype(np.float32)),
    }
    label = tf.constant((rng.random(batch_size) < 0.3).astype(np.float32))
    return features, label, tf.ones(batch_size)


def _run(step: ExportedStep, values: dict[str, np.ndarray], python: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "program.pb").write_bytes(step.program)
        (folder / "manifest.json").write_text(json.dumps(step.manifest), encoding="utf-8")
        np.savez(folder / "values.npz", **values)
        command = [
            str(python),
            "-m",
            "components.trainer.preflight.compiler.run_steps",
            "program.pb",
        ]
        command += ["--manifest", "manifest.json", "--values", "values.npz"]
        command += ["--result", "result.json"]
        environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
        done = subprocess.run(command, cwd=folder, env=environment, check=False)
        if done.returncode:
            sys.exit(f"exported_step: {python} ended with {done.returncode}")
        return json.loads((folder / "result.json").read_text(encoding="utf-8"))


def _parse_flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exported_step")
    parser.add_argument("--variants", nargs="+", default=known_methods(), metavar="METHOD")
    parser.add_argument(
        "--optimizer", choices=["sgd", "adagrad", "rowwise_adagrad", "adam"], default="adagrad"
    )
    parser.add_argument("--batch-size", type=int, default=2048)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--python", type=Path, default=_ROOT / ".venv-preflight/bin/python")
    parser.add_argument("--gigabytes-per-second", type=float, default=0.0)
    return parser.parse_args()


if __name__ == "__main__":
    main()

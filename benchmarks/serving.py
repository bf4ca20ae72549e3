"""Latency of exported models: milliseconds a call, by batch size and by way of calling.

    python -m benchmarks.serving full=RUN/Trainer_full/model/6/Format-Serving NAME=FOLDER ...

Each model is called in three ways, with tensors that lie ready; every call ends with its
probabilities as a NumPy array.

* `by name`: the signature `raw_features` as Python calls it, one named tensor a feature.
* `graph`: the same signature as one operation with its tensors in order. That leaves out what
  Python spends on 39 names; a C++ server binds names in its own way.
* `tf.Example`: the signature `serving_default`, parsing included.

Models and ways take turns; the percentiles are over the calls of all rounds. The rows are the first
of a raw log, by default of the demo's generated one. `--json` keeps all figures, and how many cores
other processes used during the turns; `--wait` repeats the turns that they disturbed.
"""

import argparse
import itertools
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from benchmarks.serving_turns import table, take_turns
from components.example_gen.read import decode_range, plan_ranges
from components.raw_tensors import raw_tensors
from components.synthetic.click_log import SyntheticConfig, write_click_log
from schemas.click_log import MISSING_CATEGORY, MISSING_INTEGER, ClickLog
from schemas.schema_file import read_schema_file
from schemas.serving import EXAMPLES_INPUT, PROBABILITY, RAW_FEATURES, SERVING_DEFAULT

_BLOCK_BYTES = 4 * 2**20
_NUM_BATCHES = 8
_WARM_UP_CALLS = 20


class Batch(NamedTuple):
    """Rows in both forms: raw features by name, and serialized tf.Examples, string `[batch]`."""

    features: dict[str, tf.Tensor]
    examples: tf.Tensor


Call = Callable[[Batch], np.ndarray]


def read_rows(path: str, click_log: ClickLog, num_rows: int) -> dict[str, np.ndarray]:
    """Returns raw features `[num_rows]` by name: the first rows of a log, again where it is short.

    Raises:
      InputError: if the file cannot be read or has no rows.
      SystemExit: if no line of its first block is a row.
    """
    first = plan_ranges([path], click_log, _BLOCK_BYTES)[0]
    _, block = next(decode_range(first, click_log, _BLOCK_BYTES))
    if not block.table.num_rows:
        raise SystemExit(f"{path}: expected rows as the schema says, received none")
    return {name: np.resize(v, num_rows) for name, v in raw_tensors(block.table).items()}


def _generated_rows(click_log: ClickLog, num_rows: int) -> dict[str, np.ndarray]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.tsv"
        write_click_log(SyntheticConfig(rows=num_rows), path)
        return read_rows(str(path), click_log, num_rows)


def _feature(value: Any) -> tf.train.Feature | None:
    """Returns the value of a tf.Example, None where it is missing."""
    if isinstance(value, bytes):
        found = tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        return None if value == MISSING_CATEGORY else found
    if isinstance(value, np.integer):
        found = tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        return None if value == MISSING_INTEGER else found
    found = tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
    return None if np.isnan(value) else found


def make_batch(raw: Mapping[str, np.ndarray]) -> Batch:
    """Returns the rows in both forms; a missing feature is left out of its tf.Example."""
    examples = []
    for values in zip(*raw.values(), strict=True):
        features = {name: _feature(v) for name, v in zip(raw, values, strict=True)}
        present = {name: feature for name, feature in features.items() if feature is not None}
        example = tf.train.Example(features=tf.train.Features(feature=present))
        examples.append(example.SerializeToString())
    return Batch({name: tf.constant(v) for name, v in raw.items()}, tf.constant(examples))


def calls_of(model: Any) -> dict[str, Call]:
    """Returns the ways of calling a loaded model; they do not keep it alive."""
    by_name, by_example = model.signatures[RAW_FEATURES], model.signatures[SERVING_DEFAULT]
    captured = list(by_name.captured_inputs)

    def call_by_name(batch: Batch) -> np.ndarray:
        return by_name(**batch.features)[PROBABILITY].numpy()

    def call_graph(batch: Batch) -> np.ndarray:
        # The order of a signature's inputs is that of `tf.nest`: by name.
        args = [*tf.nest.flatten(batch.features), *captured]
        return tf.raw_ops.StatefulPartitionedCall(args=args, Tout=[tf.float32], f=by_name)[
            0
        ].numpy()

    def call_by_example(batch: Batch) -> np.ndarray:
        return by_example(**{EXAMPLES_INPUT: batch.examples})[PROBABILITY].numpy()

    return {"by name": call_by_name, "graph": call_graph, "tf.Example": call_by_example}


def _check(name: str, calls: Mapping[str, Call], batch: Batch) -> None:
    """Checks that all ways give the same, else they are not the same work."""
    expected, *others = (call(batch) for call in calls.values())
    for probabilities in others:
        np.testing.assert_allclose(probabilities, expected, atol=1e-6, err_msg=name)


def measure(
    models: Mapping[str, Any], batches: Sequence[Batch], flags: argparse.Namespace, deadline: float
) -> dict[str, dict[str, dict[str, float]]]:
    """Calls the models in turn.

    Args:
      models: name -> the loaded model.
      batches: of one size; they take turns too.
      flags: as parsed.
      deadline: see `take_turns`.

    Returns:
      model -> way -> the figures of its turns.
    """
    ways = {name: calls_of(model) for name, model in models.items()}
    endless = itertools.cycle(batches)
    for name, calls in ways.items():
        _check(name, calls, batches[0])
        for call in calls.values():
            for batch in itertools.islice(endless, _WARM_UP_CALLS):
                call(batch)
    calls = {(name, way): call for name, by_way in ways.items() for way, call in by_way.items()}
    turns = take_turns(calls, endless, flags.rounds, flags.seconds, deadline)
    return {
        name: {way: turns[name, way].figures() for way in by_way} for name, by_way in ways.items()
    }


def _parse_flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", metavar="[NAME=]FOLDER", help="exported SavedModels")
    parser.add_argument("--data", help="a raw log (default: generated rows of the demo)")
    parser.add_argument("--schema", default="criteo", help="what its rows look like")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[1, 128, 2048])
    parser.add_argument("--rounds", type=int, default=5, help="turns of each model and way")
    parser.add_argument("--seconds", type=float, default=0.5, help="length of a turn")
    parser.add_argument(
        "--wait", type=float, default=0.0, metavar="SECONDS",
        help="how long to repeat turns that other processes disturbed",
    )  # fmt: skip
    parser.add_argument("--threads", type=int, default=0, help="TensorFlow's threads (0: cores)")
    parser.add_argument("--json", type=Path, help="where all figures go")
    return parser.parse_args()


def main() -> None:
    """Reads the flags, loads the models and prints a table for each batch size."""
    flags = _parse_flags()
    tf.config.threading.set_intra_op_parallelism_threads(flags.threads)
    tf.config.threading.set_inter_op_parallelism_threads(flags.threads)
    folders = {
        name or folder: folder for name, _, folder in (m.rpartition("=") for m in flags.models)
    }
    models = {name: tf.saved_model.load(folder) for name, folder in folders.items()}
    click_log = ClickLog.model_validate(read_schema_file(flags.schema).click_log)
    num_rows = _NUM_BATCHES * max(flags.batch_sizes)
    rows = (
        read_rows(flags.data, click_log, num_rows)
        if flags.data
        else _generated_rows(click_log, num_rows)
    )
    deadline = time.monotonic() + flags.wait
    report: dict[str, Any] = {
        "tensorflow": tf.__version__,
        "cores": os.cpu_count(),
        "threads": flags.threads,
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
        "batch_sizes": {},
    }
    for size in flags.batch_sizes:
        starts = range(0, _NUM_BATCHES * size, size)
        batches = [make_batch({n: v[s : s + size] for n, v in rows.items()}) for s in starts]
        figures = measure(models, batches, flags, deadline)
        print(f"\n{table(f'batch {size}: p50 / p99, ms', figures)}", flush=True)
        report["batch_sizes"][size] = figures
    if flags.json:
        flags.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Train steps and lookups of all embedding methods beside those of full tables, on a CPU.

    python -m benchmarks.approximation_speed --json FILE
    python -m benchmarks.approximation_speed --methods hashing "full + int8" --cases small-16

Rows, tables and networks are those of `benchmarks.training`, batches lie in memory. A method takes
turns with full tables in the same process, so that a drift of the machine hits both alike; a ratio
is the median of the ratios of the rounds, above 1 where the method is slower.

`step` is a whole step of training with Adagrad, `lookup` the vectors of a batch from the tables as
they are served, without the rest of the network.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

from benchmarks.training import CASES, write_case
from benchmarks.training_problem import Problem, read_problem
from benchmarks.training_shape import DENSE_WIDTH
from components.progress import report
from components.trainer.architecture import make_dlrm
from components.trainer.config import TrainerConfig
from components.trainer.embedding_config import EmbeddingConfig
from components.trainer.registry import known_methods
from components.trainer.train_step import TrainStep
from schemas.transformed import CATEGORICAL, DENSE

_NUM_STEPS = 1_000_000
_NUM_BATCHES = 4
_DEFAULT_CASES = ("small-16", "small-64")
_SCHEDULE = {"name": "adagrad", "learning_rate": 0.001, "decay": "constant"}
Batch = tuple[dict[str, tf.Tensor], tf.Tensor, tf.Tensor]


class Contender:
    """A network with one method, ready to be timed.

    Attributes:
      step: trains on a batch.
      lookup: returns the vectors of a batch of ids.
      embedding_bytes: as served.
    """

    def __init__(self, method: str, ratio: float, problem: Problem, batches: list[Batch]) -> None:
        """Makes and traces both."""
        shape = problem.shape
        embedding = EmbeddingConfig(method=method).with_ratio(ratio)
        config = TrainerConfig.model_validate(
            {
                "embedding": embedding,
                "embedding_dim": shape.embedding_dim,
                "bottom_mlp": shape.bottom_mlp,
                "top_mlp": shape.top_mlp,
                "dense_optimizer": _SCHEDULE,
                "embedding_optimizer": _SCHEDULE,
                "batch_size": shape.batch_size,
            }
        )
        sizes = {f"C{i}": size for i, size in enumerate(shape.vocabulary_sizes, start=1)}
        network = make_dlrm(config, sizes, DENSE_WIDTH)
        train_step = TrainStep(network, config, _NUM_STEPS)
        spec = tf.nest.map_structure(tf.TensorSpec.from_tensor, batches[0])
        self.step = tf.function(train_step, autograph=False).get_concrete_function(spec)
        self.step(batches[0])
        served = network.served().tables
        ids = [tf.TensorSpec([None], tf.int32)] * len(sizes)
        self.lookup = tf.function(lambda *i: served(list(i)), autograph=False)
        self.lookup = self.lookup.get_concrete_function(*ids)
        self.embedding_bytes = network.embedding_bytes
        self._network = network  # the functions hold its variables by weak references


def _seconds(call: Callable[[Any], Any], arguments: list[Any], turn_seconds: float) -> float:
    """Of one call, over whole passes of the arguments."""
    num_calls, start = 0, time.perf_counter()
    while True:
        for argument in arguments:
            result = call(argument)
        tf.nest.flatten(result)[0].numpy()
        num_calls += len(arguments)
        seconds = time.perf_counter() - start
        if seconds >= turn_seconds:
            return seconds / num_calls


def _measure(
    full: Contender, other: Contender, batches: list[Batch], rounds: int, turn_seconds: float
) -> dict[str, float]:
    columns = [tf.unstack(features[CATEGORICAL], axis=1) for features, _, _ in batches]
    ways: dict[str, tuple[Callable[[Contender], Callable[[Any], Any]], list[Any]]] = {
        "step": (lambda c: c.step, batches),
        "lookup": (lambda c: lambda ids: c.lookup(*ids), columns),
    }
    figures = {}
    for name, (of, arguments) in ways.items():
        times = []
        for _ in range(rounds + 1):  # the first one warms up
            times.append([_seconds(of(c), arguments, turn_seconds) for c in (full, other)])
        ratios = [seconds / of_full for of_full, seconds in times[1:]]
        figures[f"{name}_ratio"] = statistics.median(ratios)
        figures[f"{name}_ms"] = 1e3 * statistics.median(seconds for _, seconds in times[1:])
    return figures


def _batches(problem: Problem) -> list[Batch]:
    return [
        (
            {DENSE: tf.constant(b.dense), CATEGORICAL: tf.constant(b.categorical)},
            tf.constant(b.label),
            tf.ones(len(b.label)),
        )
        for b in problem.batches[:_NUM_BATCHES]
    ]


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--methods", nargs="+", help="methods or stacks; default: all")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=_DEFAULT_CASES)
    parser.add_argument("--compression-ratio", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--turn-seconds", type=float, default=0.5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
    methods = arguments.methods or [name for name in known_methods() if name != "full"]
    results: dict[str, dict[str, dict[str, float]]] = {}
    for case in arguments.cases:
        with tempfile.TemporaryDirectory() as folder:
            write_case(Path(folder) / case, case)
            problem = read_problem(Path(folder) / case)
        batches = _batches(problem)
        full = Contender("full", 1.0, problem, batches)
        for method in methods:
            report(f"{case}: {method}")
            other = Contender(method, arguments.compression_ratio, problem, batches)
            turns = (arguments.rounds, arguments.turn_seconds)
            figures = _measure(full, other, batches, *turns)
            figures["compression_ratio"] = full.embedding_bytes / other.embedding_bytes
            results.setdefault(method, {})[case] = figures
            print(
                f"{case:10} {method:34} smaller {figures['compression_ratio']:8.1f}  "
                f"step {figures['step_ratio']:5.2f} ({figures['step_ms']:7.2f} ms)  "
                f"lookup {figures['lookup_ratio']:5.2f} ({figures['lookup_ms']:7.3f} ms)",
                flush=True,
            )
            if arguments.json:
                arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Our train step beside its peers, on this machine's CPU.

    python -m benchmarks.training --dlrm PATH --torch-python PATH/bin/python --json FILE
    python -m benchmarks.training --cases small-16 --optimizers sgd --contenders keras ours
    python -m benchmarks.training --cases --table-million-rows 1 5 20
    python -m benchmarks.training --cases --input

Contenders: `dlrm`, the network of a checkout of facebookresearch/dlrm, run by a Python that has
torch and what else the checkout imports (numpy, scikit-learn, tensorboard); `keras`, 26 Embedding
layers; `tfrs`, TFRS's Ranking with TPUEmbedding; `ours`. All start from the same weights and take
the same batches from memory, so their losses must agree; that is checked.

Each contender is a process of its own that stays idle until its turn. Turns go round, so that a
drift of the machine hits all alike; figures are medians over the rounds, ratios medians of the
ratios within a round. All have the same number of threads and the same allocator settings.

`of matmul` is the share of what the machine would reach if all operations ran at the speed of its
fastest matrix product, `of layers` if a step were the products of its layers alone, `of rows` if it
were its reads and writes of table rows at the speed of random reads.

With `--table-million-rows`, tables grow while the batches keep the number of distinct ids and how
often each repeats; the ids are spread over the whole table, so cache and TLB misses still grow.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.training_problem import cap_sizes, read_problem, write_problem
from benchmarks.training_rounds import run_rounds
from benchmarks.training_shape import MLPS, Shape
from benchmarks.training_table import print_growth, print_summary, summarize, summarize_growth
from benchmarks.training_worker import NotOfferedError, Settings, Worker
from components.synthetic.click_log_rows import CATEGORY_SHAPES

CASES = {
    "small-16": (2048, 16, "small"),
    "small-64": (8192, 64, "small"),
    "mlperf": (2048, 64, "mlperf"),
}
CONTENDERS = {
    "dlrm": ["benchmarks.training_torch"],
    "keras": ["benchmarks.training_peers", "keras"],
    "tfrs": ["benchmarks.training_peers", "tfrs"],
    "ours": ["benchmarks.training_ours"],
}
_LIMITS = ["benchmarks.training_limits"]
_GROWTH_CASE, _BFLOAT16_CASE = "small-16", "mlperf"
_ROWS = 1_000_000
_LEARNING_RATES = {"sgd": 0.1, "adagrad": 0.001, "rowwise_adagrad": 0.001}
_INITIAL_ACCUMULATOR_VALUE = 1e-6
_SEED = 0
# Fresh pages for every large buffer cost a lot, so nothing is given back to the system.
_ALLOCATOR = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "100000000000",
    "MALLOC_TOP_PAD_": "268435456",
}


def write_case(folder: Path, case: str, million_rows: int = 1) -> Shape:
    """Writes a case's problem: Criteo's features, the largest tables cut to 1 M rows in all."""
    batch_size, embedding_dim, mlps = CASES[case]
    sizes = cap_sizes([size for size, _, _ in CATEGORY_SHAPES.values()], _ROWS)
    sizes = tuple(size * million_rows for size in sizes)
    shape = Shape(batch_size, embedding_dim, *MLPS[mlps], sizes)
    laws = [(exponent, offset) for _, exponent, offset in CATEGORY_SHAPES.values()]
    write_problem(folder, shape, laws, million_rows, _SEED)
    return shape


def _environment(threads: int) -> dict[str, str]:
    return {
        **os.environ,
        **_ALLOCATOR,
        "OMP_NUM_THREADS": str(threads),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_USE_LEGACY_KERAS": "1",
    }


def _start(
    flags: argparse.Namespace, module: list[str], folder: Path, settings: Settings
) -> Worker:
    """Starts a contender, or the limits, on a problem."""
    python, environment = sys.executable, _environment(settings.threads)
    if module == CONTENDERS["dlrm"]:
        python = str(flags.torch_python)
        environment["PYTHONPATH"] = str(flags.dlrm.resolve())
    return Worker([python, "-m", *module], environment, folder, settings)


def _settings(flags: argparse.Namespace, optimizer: str, precision: str) -> Settings:
    return Settings(
        optimizer, precision, _LEARNING_RATES[optimizer], _INITIAL_ACCUMULATOR_VALUE, flags.threads
    )


def _compare(
    flags: argparse.Namespace, shape: Shape, folder: Path, settings: Settings
) -> dict[str, Any] | None:
    """Runs the contenders on a problem and prints what came out; None if there is none."""
    with ExitStack() as stack:
        workers = {}
        for name in flags.contenders:
            try:
                workers[name] = _start(flags, CONTENDERS[name], folder, settings)
            except NotOfferedError as error:
                print(f"  {name}: {error}")
                continue
            stack.callback(workers[name].close)
        if not workers:
            return None
        limits = _start(flags, _LIMITS, folder, settings)
        stack.callback(limits.close)
        turns, [kernels] = run_rounds(workers, [limits], flags.rounds, flags.turn_seconds)
    result = summarize(shape, settings, turns, kernels)
    print_summary(shape, result)
    return result


def _run_case(flags: argparse.Namespace, case: str, root: Path) -> list[dict[str, Any]]:
    """Compares the contenders on a case with each precision and optimizer."""
    folder = root / case
    shape = write_case(folder, case)
    share = read_problem(folder).distinct_share()
    bottom = "-".join(map(str, (*shape.bottom_mlp, shape.embedding_dim)))
    top = "-".join(map(str, (*shape.top_mlp, 1)))
    results = []
    for precision in flags.precisions:
        if precision != "float32" and case != _BFLOAT16_CASE:
            continue
        for optimizer in flags.optimizers:
            print(
                f"{case}, {optimizer}, {precision}: B {shape.batch_size}, MLPs {bottom} / {top}, "
                f"{share:.0%} of the ids of a batch are distinct",
                flush=True,
            )
            result = _compare(flags, shape, folder, _settings(flags, optimizer, precision))
            if result:
                about = {"case": case, "optimizer": optimizer, "precision": precision}
                results.append({**about, "distinct_share": share, **result})
    return results


def _run_growth(flags: argparse.Namespace, optimizer: str, root: Path) -> dict[str, Any]:
    """Compares our step on tables of several sizes, batches alike."""
    settings = _settings(flags, optimizer, "float32")
    print(f"ours with larger tables, {_GROWTH_CASE}, {optimizer}", flush=True)
    with ExitStack() as stack:
        shapes, workers, limits = [], {}, []
        for million_rows in flags.table_million_rows:
            name = f"{million_rows} M"
            folder = root / f"growth-{million_rows}-{optimizer}"
            shapes.append(write_case(folder, _GROWTH_CASE, million_rows))
            workers[name] = _start(flags, CONTENDERS["ours"], folder, settings)
            stack.callback(workers[name].close)
            limits.append(_start(flags, _LIMITS, folder, settings))
            stack.callback(limits[-1].close)
            shutil.rmtree(folder)
        turns, kernels = run_rounds(workers, limits, flags.rounds, flags.turn_seconds)
    result = summarize_growth(shapes, turns, kernels)
    print_growth(result)
    return {"case": _GROWTH_CASE, "optimizer": optimizer, "sizes": result}


def _run_input(flags: argparse.Namespace) -> dict[str, Any]:
    """Measures the input and prints it."""
    command = [sys.executable, "-m", "benchmarks.training_input", "--rounds", str(flags.rounds)]
    done = subprocess.run(
        command, env=_environment(flags.threads), stdout=subprocess.PIPE, text=True, check=True
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    for batch_size, figures in result.items():
        print(
            f"input, batches of {batch_size}: {figures['cpu_microseconds']:.2f} CPU us an example, "
            f"{figures['examples_per_second']:,.0f} examples/s"
        )
    return result


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="*", choices=CASES, default=list(CASES))
    parser.add_argument(
        "--optimizers", nargs="+", choices=_LEARNING_RATES, default=["sgd", "adagrad"]
    )
    parser.add_argument(
        "--precisions",
        nargs="+",
        choices=("float32", "bfloat16"),
        default=["float32"],
        help=f"bfloat16 runs the case {_BFLOAT16_CASE} only",
    )
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--dlrm", type=Path, help="checkout of facebookresearch/dlrm")
    parser.add_argument("--torch-python", type=Path, help="a Python that has torch")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each contender")
    parser.add_argument("--turn-seconds", type=float, default=2.0, help="length of a turn")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of each contender")
    parser.add_argument(
        "--table-million-rows", type=int, nargs="+", default=[], help="our step on larger tables"
    )
    parser.add_argument("--input", action="store_true", help="measure the input alone")
    parser.add_argument("--json", type=Path, help="a file for all figures")
    flags = parser.parse_args()
    if "dlrm" in flags.contenders and not (flags.dlrm and flags.torch_python):
        print("no --dlrm and --torch-python: without facebookresearch/dlrm")
        flags.contenders.remove("dlrm")
    return flags


def _machine() -> str:
    """Returns the name of the processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor()


def main() -> None:
    """Reads the flags and runs what they ask for; fails if contenders computed different things."""
    flags = _parse()
    if flags.json:
        flags.json.parent.mkdir(parents=True, exist_ok=True)
    figures: dict[str, Any] = {"machine": _machine(), "threads": flags.threads}
    print(f"{figures['machine']}, {flags.threads} threads, {flags.rounds} rounds\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        figures["cases"] = [r for case in flags.cases for r in _run_case(flags, case, root)]
        if flags.table_million_rows:
            figures["growth"] = [_run_growth(flags, name, root) for name in flags.optimizers]
    if flags.input:
        figures["input"] = _run_input(flags)
    if flags.json:
        flags.json.write_text(json.dumps(figures, indent=1) + "\n")
    if any(result["problems"] for result in figures["cases"]):
        raise SystemExit("some contenders did not compute the same thing; see above")


if __name__ == "__main__":
    main()

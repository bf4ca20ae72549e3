"""What a comparison of train steps says: as a table, and as JSON."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.training_rounds import Turns
from benchmarks.training_shape import Shape, limits_of
from benchmarks.training_worker import Settings

# How far apart the losses of the same steps may be, nats.
_TOLERANCES = {"float32": 1e-4, "bfloat16": 5e-3}
_QUIET_CORES = 0.1
TENSORFLOW_PEERS = ("keras", "tfrs")
_HEADINGS = (
    "examples/s", "ms/step", "cores", "ratio (min..max)", "loss", "off", "parameters",
    "of matmul", "of layers", "of rows",
)  # fmt: skip


def _spread(ratios: list[float]) -> dict[str, float]:
    return {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)}


def _contender(shape: Shape, turns: Turns, reference: Turns) -> dict[str, Any]:
    cores = [cpu / wall for cpu, wall in zip(turns.cpu_seconds, turns.seconds, strict=True)]
    pairs = zip(turns.first_losses, reference.first_losses, strict=True)
    return {
        "examples_per_second": shape.batch_size / turns.step_seconds,
        "step_seconds": turns.step_seconds,
        "round_step_seconds": turns.seconds,
        "cores": statistics.median(cores),
        "idle_cores": turns.idle_cores,
        "round_other_cores": turns.other_cores,
        "ratio": _spread(turns.ratios(reference)),
        "first_loss": statistics.mean(turns.first_losses),
        "last_loss": statistics.mean(turns.last_losses),
        "loss_difference": max(abs(ours - theirs) for ours, theirs in pairs),
        "num_parameters": turns.num_parameters,
        "software": turns.software,
    }


def summarize(
    shape: Shape, settings: Settings, turns: Mapping[str, Turns], kernels: dict[str, float]
) -> dict[str, Any]:
    """Returns all figures of contenders of one problem; the first of them is the reference.

    Args:
      shape: the sizes of the problem.
      settings: how they trained.
      turns: what each contender did.
      kernels: shortest seconds of the kernels of `benchmarks.training_limits`.
    """
    reference = next(iter(turns))
    contenders = {n: _contender(shape, turn, turns[reference]) for n, turn in turns.items()}
    limits = limits_of(shape, kernels, settings.optimizer)
    for figures in contenders.values():
        speed = figures["examples_per_second"]
        for name in ("matmul", "layers", "rows"):
            figures[f"of_{name}"] = speed / limits[name]
    problems = [f"{n}: the loss does not fall" for n, f in contenders.items() if not _falls(f)]
    problems += [
        f"{name}: other losses than {reference}"
        for name, figures in contenders.items()
        if not figures["loss_difference"] <= _TOLERANCES[settings.precision]
    ]
    result = {"contenders": contenders, "limits": limits, "problems": problems}
    peers = [name for name in TENSORFLOW_PEERS if name in turns]
    if "ours" in turns and peers:
        best = min(peers, key=lambda name: turns[name].step_seconds)
        result["best_tensorflow_peer"] = best
        result["ours_to_best_tensorflow_peer"] = _spread(turns["ours"].ratios(turns[best]))
    return result


def _falls(figures: dict[str, Any]) -> bool:
    return bool(figures["last_loss"] < figures["first_loss"])


def summarize_growth(
    shapes: Sequence[Shape], turns: Mapping[str, Turns], kernels: Sequence[dict[str, float]]
) -> dict[str, Any]:
    """Returns the figures of one contender on tables of several sizes; the first is the reference.

    Args:
      shapes: the sizes of each problem.
      turns: what it did on each.
      kernels: shortest seconds of the kernels on each.
    """
    reference = next(iter(turns.values()))
    result = {}
    for (name, turn), shape, seconds in zip(turns.items(), shapes, kernels, strict=True):
        limits = limits_of(shape, seconds, "sgd")
        result[name] = {
            "table_rows": sum(shape.vocabulary_sizes),
            "examples_per_second": shape.batch_size / turn.step_seconds,
            "cpu_microseconds": 1e6 * statistics.median(turn.cpu_seconds) / shape.batch_size,
            "ratio": _spread(turn.ratios(reference)),
            "gather_gbytes": limits["gather_gbytes"],
            "idle_cores": turn.idle_cores,
            "round_other_cores": turn.other_cores,
        }
    return result


def print_growth(result: Mapping[str, Any]) -> None:
    """Prints the figures that `summarize_growth` returned."""
    headings = ["", "rows", "examples/s", "CPU us/example", "ratio (min..max)", "random rows GB/s"]
    rows = [
        [
            name,
            f"{figures['table_rows']:,}",
            f"{figures['examples_per_second']:,.0f}",
            f"{figures['cpu_microseconds']:.2f}",
            _ratio(figures["ratio"]),
            f"{figures['gather_gbytes']:.1f}",
        ]
        for name, figures in result.items()
    ]
    _print_table([headings, *rows])
    _print_load(result)
    print(flush=True)


def print_summary(shape: Shape, result: dict[str, Any]) -> None:
    """Prints the figures that `summarize` returned."""
    print(
        f"{shape.num_parameters:,} parameters, {shape.flops / 1e6:.3f} MFLOP an example; "
        f"ratios to {next(iter(result['contenders']))}"
    )
    rows = [[name, *_cells(figures)] for name, figures in result["contenders"].items()]
    _print_table([["", *_HEADINGS], *rows])
    limits = result["limits"]
    print(
        f"limits: matmul {limits['gflops']:.0f} GFLOP/s = {limits['matmul']:,.0f} examples/s; "
        f"the layers' products alone {limits['layers']:,.0f}; "
        f"random rows {limits['gather_gbytes']:.1f} GB/s = {limits['rows']:,.0f}"
    )
    if "ours_to_best_tensorflow_peer" in result:
        spread = _ratio(result["ours_to_best_tensorflow_peer"])
        print(f"ours to the best TensorFlow peer, {result['best_tensorflow_peer']}: {spread}")
    _print_load(result["contenders"])
    for problem in result["problems"]:
        print(f"NOT COMPARABLE: {problem}")
    print(flush=True)


def _print_load(contenders: Mapping[str, Any]) -> None:
    idle = max(figures["idle_cores"] for figures in contenders.values())
    others = [cores for figures in contenders.values() for cores in figures["round_other_cores"]]
    median = statistics.median(others)
    print(
        f"a waiting worker used at most {idle:.2f} cores, other processes of the machine "
        f"{median:.2f} (at most {max(others):.2f})"
    )
    if median > _QUIET_CORES:
        print("NOT QUIET: other work held cores, which slows contenders by very different factors")


def _ratio(spread: dict[str, float]) -> str:
    return f"{spread['median']:.2f} ({spread['min']:.2f}..{spread['max']:.2f})"


def _cells(figures: dict[str, Any]) -> list[str]:
    shares = [figures[f"of_{name}"] for name in ("matmul", "layers", "rows")]
    return [
        f"{figures['examples_per_second']:,.0f}",
        f"{1e3 * figures['step_seconds']:.2f}",
        f"{figures['cores']:.2f}",
        _ratio(figures["ratio"]),
        f"{figures['first_loss']:.4f} -> {figures['last_loss']:.4f}",
        f"{figures['loss_difference']:.0e}",
        f"{figures['num_parameters']:,}",
        *(f"{share:.0%}" for share in shares),
    ]


def _print_table(rows: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, *cells in rows:
        line = "  ".join(c.rjust(w) for c, w in zip(cells, widths[1:], strict=True))
        print(f"  {name.ljust(widths[0])}  {line}")

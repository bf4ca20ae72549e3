"""Raw click logs to training-ready rows: this pipeline beside tensorflow/models' preprocessing.

    python -m benchmarks.preprocessing --megabytes 33 --runs 3 --peer PATH/criteo_preprocess.py
    python -m benchmarks.preprocessing --megabytes 100 1000 --statistics

Ours is ExampleGen, SchemaGen and Transform (vocabulary) under LocalDagRunner with sqlite ML
Metadata, in a fresh process and a fresh folder each time. The peer is the script
`official/recommendation/ranking/preprocessing/criteo_preprocess.py` of tensorflow/models, from a
checkout that the caller points at, run twice as its documentation says (vocabularies, then rows).
Both are timed as whole processes, imports included, in turn; the medians are compared. For ours,
the time of the steps alone is printed too, and what share of `benchmarks.columnar_limit` it is.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from components.synthetic.click_log import SyntheticConfig, write_click_log
from pipeline.startup import gc_paused

_ENVIRONMENT = {**os.environ, "TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}


def run_ours(data: Path, root: Path, with_statistics: bool) -> dict[str, float]:
    """Runs our steps in this process and returns the seconds of each."""
    with gc_paused():
        from tfx.orchestration import metadata, pipeline

        from components.example_gen.component import ClickLogExampleGen
        from components.example_gen.config import ExampleGenConfig
        from components.schema_gen.component import ClickLogSchemaGen
        from components.transform.component import ClickLogTransform
        from components.transform.config import TransformConfig
        from pipeline.local_beam import use_all_cores
        from pipeline.stepwise_runner import StepwiseRunner
        from schemas.criteo import CLICK_LOG

    example_gen = ClickLogExampleGen(str(data), CLICK_LOG, ExampleGenConfig()).with_id("ExampleGen")
    examples = example_gen.outputs["examples"]
    schema_gen = ClickLogSchemaGen(CLICK_LOG).with_id("SchemaGen")
    transform = ClickLogTransform(
        examples, schema_gen.outputs["schema"], CLICK_LOG, TransformConfig()
    ).with_id("Transform")
    steps = [example_gen, schema_gen, transform]
    if with_statistics:
        from components.statistics_gen.component import ClickLogStatisticsGen

        steps.append(ClickLogStatisticsGen(examples).with_id("StatisticsGen"))
    seconds: dict[str, float] = {}
    names: list[str] = []

    def start(number: int, count: int, step: str) -> None:
        names.append(step)
        seconds[step] = -time.monotonic()

    def end(cached: bool) -> None:
        seconds[names[-1]] += time.monotonic()

    preprocessing = pipeline.Pipeline(
        pipeline_name="preprocessing",
        pipeline_root=str(root / "pipeline_root"),
        components=steps,
        metadata_connection_config=metadata.sqlite_metadata_connection_config(
            str(root / "metadata.sqlite")
        ),
    )
    use_all_cores(preprocessing)
    StepwiseRunner(start, end).run(preprocessing)
    return seconds


def _timed(commands: list[list[str]]) -> tuple[float, float, str]:
    """Runs processes one after the other: wall seconds, peak resident GB, output of the last."""
    started = time.monotonic()
    output, peak = "", 0
    for command in commands:
        with (
            tempfile.TemporaryFile("w+") as errors,
            subprocess.Popen(
                command, env=_ENVIRONMENT, stdout=subprocess.PIPE, stderr=errors, text=True
            ) as process,
        ):
            assert process.stdout is not None
            output = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                errors.seek(0)
                raise SystemExit(f"{' '.join(command)} failed:\n{errors.read()[-2000:]}")
        peak = max(peak, usage.ru_maxrss)
    return time.monotonic() - started, peak / 1e6, output


def _ours(data: Path, folder: Path, with_statistics: bool) -> tuple[float, float, dict[str, float]]:
    command = [sys.executable, "-m", "benchmarks.preprocessing", "--ours", str(data), str(folder)]
    seconds, peak, output = _timed([[*command, *["--statistics"] * with_statistics]])
    return seconds, peak, json.loads(output.splitlines()[-1])


def _limit(data: Path) -> float:
    """Returns the seconds of the least work, on one core."""
    _, _, output = _timed([[sys.executable, "-m", "benchmarks.columnar_limit", str(data)]])
    return sum(value for part, value in json.loads(output).items() if part != "rows")


def _peer(script: Path, data: Path, folder: Path) -> tuple[float, float]:
    command = [sys.executable, str(script), "--input_path", str(data)]
    command += ["--temp_dir", str(folder / "temp"), "--output_path", str(folder / "out")]
    seconds, peak, _ = _timed([[*command, "--vocab_gen_mode"], command])
    return seconds, peak


def _compare(flags: argparse.Namespace, megabytes: float, folder: Path) -> None:
    """Runs ours, the limit and the peer in turn on one generated log, and prints the medians."""
    data = folder / f"{megabytes:g}.tsv"
    rows = write_click_log(SyntheticConfig(megabytes=megabytes), data).rows
    processes, steps, statistics_gen, limits, peaks, peers, peer_peaks = ([] for _ in range(7))
    for run in range(flags.runs):
        seconds, peak, by_step = _ours(data, folder / f"ours-{run}", flags.statistics)
        print(f"ours {seconds:.1f} s, of it {by_step}, peak {peak:.2f} GB", flush=True)
        statistics_gen.append(by_step.pop("StatisticsGen", 0.0))
        processes.append(seconds - statistics_gen[-1])
        steps.append(sum(by_step.values()))
        peaks.append(peak)
        limits.append(_limit(data))
        print(f"limit {limits[-1]:.2f} s on one core", flush=True)
        if flags.peer:
            seconds, peak = _peer(flags.peer, data, folder / f"peer-{run}")
            print(f"peer {seconds:.1f} s, peak {peak:.2f} GB", flush=True)
            peers.append(seconds)
            peer_peaks.append(peak)
    print(f"\n{megabytes:g} MB, {rows:,} rows, medians of {flags.runs}:")
    _print_line("process", rows, processes)
    _print_line("steps", rows, steps)
    if flags.statistics:
        _print_line("StatisticsGen", rows, statistics_gen)
    _print_line("limit, one core", rows, limits)
    share = statistics.median(low / ours for low, ours in zip(limits, steps, strict=True))
    print(f"  the steps reach {share:.0%} of the limit; peak {max(peaks):.2f} GB")
    if peers:
        _print_line("peer", rows, peers)
        process = statistics.median(p / o for p, o in zip(peers, processes, strict=True))
        inside = statistics.median(p / o for p, o in zip(peers, steps, strict=True))
        print(
            f"  ours is {process:.1f} times faster as a process, {inside:.1f} times counting our "
            f"steps alone (medians of pairs); peak of the peer {max(peer_peaks):.2f} GB"
        )


def _print_line(name: str, rows: int, seconds: list[float]) -> None:
    median = statistics.median(seconds)
    print(f"  {name:<16} {median:8.2f} s {rows / median:12,.0f} rows/s", flush=True)


def main() -> None:
    """Reads the flags and runs what they ask for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, nargs="+", default=[33.0], help="sizes to run")
    parser.add_argument("--runs", type=int, default=3, help="runs of each")
    parser.add_argument("--peer", type=Path, help="criteo_preprocess.py of tensorflow/models")
    parser.add_argument("--statistics", action="store_true", help="run StatisticsGen too")
    parser.add_argument("--ours", nargs=2, type=Path, help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if flags.ours:
        seconds = run_ours(*flags.ours, flags.statistics)
        print(json.dumps({step: round(value, 2) for step, value in seconds.items()}))
        return
    for megabytes in flags.megabytes:
        with tempfile.TemporaryDirectory() as folder:
            _compare(flags, megabytes, Path(folder))


if __name__ == "__main__":
    main()

"""Raw click logs to training-ready rows: this pipeline beside tensorflow/models' preprocessing.

    python -m benchmarks.preprocessing --megabytes 33 --runs 3 --peer PATH/criteo_preprocess.py

Ours is ExampleGen, SchemaImporter and Transform (vocabulary) under LocalDagRunner with sqlite ML
Metadata, in a fresh process and a fresh folder each time. The peer is the script
`official/recommendation/ranking/preprocessing/criteo_preprocess.py` of tensorflow/models, from a
checkout that the caller points at, run twice as its documentation says (vocabularies, then rows).
Both are timed as whole processes, imports included, in turn; the medians are compared. For ours,
the time of the steps alone is printed too.
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

_ENVIRONMENT = {**os.environ, "TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}


def run_ours(data: Path, root: Path) -> dict[str, float]:
    """Runs our steps in this process and returns the seconds of each."""
    from tfx.orchestration import metadata, pipeline

    from components.example_gen.component import ClickLogExampleGen
    from components.example_gen.config import ExampleGenConfig
    from components.schema_importer.component import SchemaImporter
    from components.transform.component import ClickLogTransform
    from components.transform.config import TransformConfig
    from pipeline.stepwise_runner import StepwiseRunner

    example_gen = ClickLogExampleGen(str(data), ExampleGenConfig()).with_id("ExampleGen")
    importer = SchemaImporter()
    transform = ClickLogTransform(
        example_gen.outputs["examples"], importer.outputs["schema"], TransformConfig()
    ).with_id("Transform")
    seconds: dict[str, float] = {}
    names: list[str] = []

    def start(number: int, count: int, step: str) -> None:
        names.append(step)
        seconds[step] = -time.monotonic()

    def end(cached: bool) -> None:
        seconds[names[-1]] += time.monotonic()

    StepwiseRunner(start, end).run(
        pipeline.Pipeline(
            pipeline_name="preprocessing",
            pipeline_root=str(root / "pipeline_root"),
            components=[example_gen, importer, transform],
            metadata_connection_config=metadata.sqlite_metadata_connection_config(
                str(root / "metadata.sqlite")
            ),
            beam_pipeline_args=["--runner=DirectRunner", "--direct_running_mode=in_memory"],
        )
    )
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


def _ours(data: Path, folder: Path) -> tuple[float, float, dict[str, float]]:
    command = [sys.executable, "-m", "benchmarks.preprocessing", "--ours", str(data), str(folder)]
    seconds, peak, output = _timed([command])
    return seconds, peak, json.loads(output.splitlines()[-1])


def _peer(script: Path, data: Path, folder: Path) -> tuple[float, float]:
    command = [sys.executable, str(script), "--input_path", str(data)]
    command += ["--temp_dir", str(folder / "temp"), "--output_path", str(folder / "out")]
    seconds, peak, _ = _timed([[*command, "--vocab_gen_mode"], command])
    return seconds, peak


def _compare(flags: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for megabytes in flags.megabytes:
            data = folder / f"{megabytes:g}.tsv"
            rows = write_click_log(SyntheticConfig(megabytes=megabytes), data).rows
            ours, steps, peers, peaks, peer_peaks = [], [], [], [], []
            for run in range(flags.runs):
                root = folder / f"ours-{megabytes:g}-{run}"
                seconds, peak, by_step = _ours(data, root)
                ours.append(seconds)
                steps.append(sum(by_step.values()))
                peaks.append(peak)
                print(f"ours {seconds:.1f} s, of it {by_step}, peak {peak:.2f} GB", flush=True)
                if flags.peer:
                    seconds, peak = _peer(flags.peer, data, folder / f"peer-{megabytes:g}-{run}")
                    peers.append(seconds)
                    peer_peaks.append(peak)
                    print(f"peer {seconds:.1f} s, peak {peak:.2f} GB", flush=True)
            _print_medians(megabytes, rows, ours, steps, peaks)
            if peers:
                process = statistics.median(p / o for p, o in zip(peers, ours, strict=True))
                inside = statistics.median(p / s for p, s in zip(peers, steps, strict=True))
                peer = statistics.median(peers)
                print(
                    f"peer: {peer:.1f} s, {rows / peer:,.0f} rows/s, "
                    f"peak {max(peer_peaks):.2f} GB; ours is {process:.1f} times faster as a "
                    f"process, {inside:.1f} times counting our steps alone (medians of pairs)"
                )


def _print_medians(
    megabytes: float, rows: int, ours: list[float], steps: list[float], peaks: list[float]
) -> None:
    process, inside = statistics.median(ours), statistics.median(steps)
    print(
        f"{megabytes:g} MB, {rows:,} rows, median of {len(ours)}: process {process:.1f} s = "
        f"{rows / process:,.0f} rows/s; steps {inside:.1f} s = {rows / inside:,.0f} rows/s; "
        f"peak {max(peaks):.2f} GB",
        flush=True,
    )


def main() -> None:
    """Reads the flags and runs what they ask for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, nargs="+", default=[33.0], help="sizes to run")
    parser.add_argument("--runs", type=int, default=3, help="runs of each")
    parser.add_argument("--peer", type=Path, help="criteo_preprocess.py of tensorflow/models")
    parser.add_argument("--ours", nargs=2, type=Path, help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if flags.ours:
        seconds = run_ours(*flags.ours)
        print(json.dumps({step: round(value, 2) for step, value in seconds.items()}))
    else:
        _compare(flags)


if __name__ == "__main__":
    main()

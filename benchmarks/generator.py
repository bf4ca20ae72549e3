"""Measures the generator of synthetic click logs on one core.

    python -m benchmarks.generator --rows 1000000 --runs 5

Prints rows/s and MB/s of each run and their medians, by CPU time and by wall time. The log goes to
a temporary folder.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from components.synthetic.click_log import SyntheticConfig, write_click_log


def main() -> None:
    """Writes the same log several times and prints how fast."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--gz", action="store_true", help="write a compressed log")
    flags = parser.parse_args()
    cpu_seconds, wall_seconds = [], []
    with tempfile.TemporaryDirectory() as folder:
        for run in range(flags.runs):
            path = Path(folder) / f"run{run}.tsv{'.gz' if flags.gz else ''}"
            cpu, wall = time.process_time(), time.perf_counter()
            summary = write_click_log(SyntheticConfig(rows=flags.rows), path)
            cpu_seconds.append(time.process_time() - cpu)
            wall_seconds.append(time.perf_counter() - wall)
            path.unlink()
    for clock, seconds in (("CPU", cpu_seconds), ("wall", wall_seconds)):
        median = statistics.median(seconds)
        rates = ", ".join(f"{summary.rows / s:,.0f}" for s in seconds)
        megabytes = summary.bytes / median / 1e6
        print(f"{clock}: {summary.rows / median:,.0f} rows/s, {megabytes:,.0f} MB/s", end=" ")
        print(f"(median of {flags.runs}; rows/s of each: {rates})")


if __name__ == "__main__":
    main()

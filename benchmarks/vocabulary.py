"""Counts a vocabulary of many distinct values, and shows the memory that it takes.

    python -m benchmarks.vocabulary --million-rows 1 10 40

The rows are one categorical column of random 8-digit hexadecimal values, nearly all distinct, in
Parquet files of a million rows. Each size runs in a fresh process. Prints rows, distinct values,
selected values, seconds, and the resident memory before the count and at its peak.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

_FEATURE = "C1"
_FILE_ROWS = 1_000_000


def write_rows(folder: Path, num_files: int) -> int:
    """Writes the files; returns the number of distinct values."""
    rng = np.random.default_rng(0)
    seen = np.zeros(2**32 // 8, np.uint8)
    for number in range(num_files):
        values = rng.integers(0, 2**32, _FILE_ROWS, dtype=np.uint32)
        np.bitwise_or.at(seen, values >> 3, np.uint8(1) << (values & 7).astype(np.uint8))
        digits = values.astype(">u4").tobytes().hex().encode()
        offsets = pa.py_buffer(np.arange(0, 8 * _FILE_ROWS + 1, 8, dtype=np.int32))
        column = pa.Array.from_buffers(
            pa.binary(), _FILE_ROWS, [None, offsets, pa.py_buffer(digits)]
        )
        pq.write_table(pa.table({_FEATURE: column}), folder / f"{number:05d}.parquet")
    ones = np.array([bin(byte).count("1") for byte in range(256)])
    return int(np.bincount(seen, minlength=256) @ ones)


def count(folder: Path) -> dict[str, float]:
    """Counts in this process."""
    import apache_beam as beam

    from components.transform.config import CategoricalTreatment
    from components.transform.vocabulary import count_vocabulary

    files = [str(path) for path in sorted(folder.glob("*.parquet"))]
    before, started = _peak_megabytes(), time.monotonic()
    vocabulary = count_vocabulary(
        beam.Pipeline,
        files,
        {_FEATURE: CategoricalTreatment(frequency_threshold=2)},
        str(folder / "vocabulary"),
    )
    return {
        "selected": vocabulary.num_values[_FEATURE] if vocabulary else 0,
        "seconds": time.monotonic() - started,
        "before": before,
        "peak": _peak_megabytes(),
    }


def _peak_megabytes() -> float:
    # Not getrusage: there a process starts with the peak of its parent.
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def main() -> None:
    """Reads the flags and runs each size in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--million-rows", type=int, nargs="+", default=[1, 10], help="sizes")
    parser.add_argument("--count", type=Path, help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if flags.count:
        print(json.dumps(count(flags.count)))
        return
    for millions in flags.million_rows:
        with tempfile.TemporaryDirectory() as name:
            distinct = write_rows(Path(name), millions)
            command = [sys.executable, "-m", "benchmarks.vocabulary", "--count", name]
            output = subprocess.run(
                command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            ).stdout
            found = json.loads(output.splitlines()[-1])
            print(
                f"{millions} million rows, {distinct:,} distinct, {found['selected']:,} selected: "
                f"{found['seconds']:.1f} s, peak {found['peak']:,.0f} MB "
                f"({found['before']:,.0f} MB before)",
                flush=True,
            )


if __name__ == "__main__":
    main()

"""What the input of a training costs: CPU time of iterating over transformed Parquet files alone.

    python -m benchmarks.training_input --rows 500000 --rounds 5

Writes files like those of Transform, and reads them with the trainer's `make_dataset`, shuffled as
in a training. Prints one line of JSON: batch size -> medians over the rounds of the CPU
microseconds an example, all threads of the process counted, and of the examples a second.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from components.parquet import write_table
from components.trainer.config import TrainerConfig
from components.trainer.data import make_dataset
from schemas.click_log import LABEL
from schemas.transformed import CATEGORICAL, DENSE

BATCH_SIZES = (128, 2048, 8192)
# As `components.transform.apply` writes a Criteo log: 13 values and 13 missing indicators, files of
# about the rows that a block of ExampleGen holds.
_DENSE_WIDTH, _NUM_CATEGORICAL, _FILE_ROWS = 26, 26, 65_536
_PARQUET_OPTIONS = {"compression": "lz4", "use_dictionary": False, "write_statistics": False}


def write_rows(folder: Path, num_rows: int) -> list[str]:
    """Writes transformed rows, random ones with ids by a power law, and returns the files."""
    rng = np.random.default_rng(0)
    files = []
    for first in range(0, num_rows, _FILE_ROWS):
        rows = min(_FILE_ROWS, num_rows - first)
        dense = np.abs(rng.normal(0, 1, (rows, _DENSE_WIDTH))).astype(np.float32)
        dense[:, _DENSE_WIDTH // 2 :] = dense[:, _DENSE_WIDTH // 2 :] > 1
        ids = (100_000 ** rng.random((rows, _NUM_CATEGORICAL))).astype(np.int32)
        lists = pa.FixedSizeListArray.from_arrays
        table = pa.table(
            {
                DENSE: lists(pa.array(dense.ravel()), _DENSE_WIDTH),
                CATEGORICAL: lists(pa.array(ids.ravel()), _NUM_CATEGORICAL),
                LABEL: pa.array((rng.random(rows) < 0.25).astype(np.float32)),
            }
        )
        files.append(str(folder / f"part-{first:010}.parquet"))
        write_table(table, files[-1], **_PARQUET_OPTIONS)
    return files


def read_once(files: list[str], batch_size: int, seed: int) -> tuple[float, float]:
    """Iterates over all batches: CPU seconds of the process, wall seconds."""
    window_rows = TrainerConfig().shuffle_window_rows
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in make_dataset(files, batch_size, window_rows, (seed, 0)):
        pass
    return time.process_time() - cpu, time.perf_counter() - wall


def main() -> None:
    """Reads the flags, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=500_000, help="rows to read")
    parser.add_argument("--rounds", type=int, default=5, help="passes of each batch size, in turn")
    flags = parser.parse_args()
    cpu: dict[int, list[float]] = {batch_size: [] for batch_size in BATCH_SIZES}
    speed: dict[int, list[float]] = {batch_size: [] for batch_size in BATCH_SIZES}
    with tempfile.TemporaryDirectory() as folder:
        files = write_rows(Path(folder), flags.rows)
        read_once(files, BATCH_SIZES[-1], 0)  # starts the threads of TensorFlow
        for round_number in range(flags.rounds):
            for batch_size in BATCH_SIZES:
                cpu_seconds, seconds = read_once(files, batch_size, round_number)
                cpu[batch_size].append(1e6 * cpu_seconds / flags.rows)
                speed[batch_size].append(flags.rows / seconds)
    result = {
        batch_size: {
            "cpu_microseconds": statistics.median(cpu[batch_size]),
            "examples_per_second": statistics.median(speed[batch_size]),
        }
        for batch_size in BATCH_SIZES
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()

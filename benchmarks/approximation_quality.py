"""Quality of all embedding methods at several sizes, each against full tables.

    python -m benchmarks.approximation_quality --root runs/quality
    python -m benchmarks.approximation_quality --root runs/quality --data ROWS.tsv --last-rows

Preprocesses a log once, as `run_local.py` does, then trains every method with every compression
ratio and seed on the same rows, and predicts the same eval rows from the tables as they are served.
A cell that is done is kept in the root folder, so a run that was stopped goes on. Methods without a
size of their own have one cell a seed. `report` of `benchmarks.approximation_report` makes tables
and the picture of it.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

_BASELINE = "full"
_THREADS = 1  # of a process; there are as many processes as cores
_BATCH_ROWS = 8_192


@dataclass(frozen=True)
class Cell:
    """One training.

    Attributes:
      method: a method or a stack of them.
      compression_ratio: what the whole of the embeddings aims at; None leaves the method's own.
      seed: of the weights and of the order of the rows.
    """

    method: str
    compression_ratio: float | None
    seed: int

    @property
    def name(self) -> str:
        """For files."""
        ratio = "own" if self.compression_ratio is None else f"{self.compression_ratio:g}x"
        return f"{self.method.replace(' + ', '-')}-{ratio}-{self.seed}"


def preprocess(flags: argparse.Namespace) -> tuple[str, str]:
    """Runs the pipeline with full tables alone; returns transform graph and transformed rows."""
    root = flags.root / "pipeline"
    command = [sys.executable, "run_local.py", "--root", str(root), "--variants", _BASELINE]
    command += ["--set", f"transform.categorical.frequency_threshold={flags.frequency_threshold}"]
    if flags.data:
        command += ["--data", str(flags.data)]
    if flags.last_rows:
        command += ["--set", "example_gen.split.method=last_rows"]
    subprocess.run(command, check=True)
    outputs = root / "pipeline_root" / "Transform"
    newest = [
        max((outputs / key).iterdir(), key=lambda folder: int(folder.name))
        for key in ("transform_graph", "transformed_examples")
    ]
    return str(newest[0]), str(newest[1])


def make_cells(flags: argparse.Namespace) -> list[Cell]:
    """Returns all trainings, those of the baseline first."""
    from components.trainer.embedding_config import EmbeddingConfig
    from components.trainer.method_config import SizedConfig
    from components.trainer.registry import known_methods

    cells = []
    methods = flags.methods or [name for name in known_methods() if name != _BASELINE]
    for method in [_BASELINE, *methods]:
        embedding = EmbeddingConfig(method=method)
        is_sized = any(isinstance(config, SizedConfig) for config in embedding.configs)
        ratios: list[float | None] = list(flags.compression_ratios) if is_sized else [None]
        cells += [Cell(embedding.method, r, seed) for r in ratios for seed in range(flags.seeds)]
    return cells


def run_cell(cell: Cell, graph: str, transformed: str, folder: str) -> dict[str, Any]:
    """Trains and predicts; keeps the probabilities of the eval rows beside the figures."""
    import tensorflow as tf

    from components.errors import InputError
    from components.features import read_features
    from components.trainer.architecture import make_dlrm
    from components.trainer.config import TrainerConfig
    from components.trainer.data import count_rows, find_files, read_rows
    from components.trainer.loop.training import train
    from schemas.transformed import CATEGORICAL, DENSE

    features = read_features(graph)
    config = TrainerConfig.model_validate(
        {
            "embedding": {"method": cell.method},
            "compression_ratio": cell.compression_ratio,
            "seed": cell.seed,
            "device": "cpu",
        }
    )
    try:
        network = make_dlrm(config, features.vocabulary_sizes, features.dense_width)
    except InputError as error:
        return {**asdict(cell), "refused": str(error)}
    files = find_files([f"{transformed}/Split-train/*"])
    summary = train(network, config, files, count_rows(files))
    served = network.served()
    probabilities, labels = [], []
    for path in find_files([f"{transformed}/Split-eval/*"]):
        rows = read_rows(path)
        for i in range(0, len(rows.label), _BATCH_ROWS):
            part = slice(i, i + _BATCH_ROWS)
            ids, dense = tf.constant(rows.categorical[part]), tf.constant(rows.dense[part])
            logits = served({CATEGORICAL: ids, DENSE: dense})
            probabilities.append(tf.sigmoid(logits).numpy())
        labels.append(rows.label)
    arrays = {"probability": np.concatenate(probabilities), "label": np.concatenate(labels)}
    np.savez_compressed(os.path.join(folder, f"{cell.name}.npz"), **arrays)
    return {
        **asdict(cell),
        "embedding_bytes": network.embedding_bytes,
        "embedding_training_bytes": summary.embedding_training_bytes,
        "train_seconds": summary.train_seconds,
    }


def _start_process() -> None:
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_USE_LEGACY_KERAS": "1"}
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(_THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(_THREADS)


def _done(path: Path) -> dict[Cell, dict[str, Any]]:
    lines = path.read_text().splitlines() if path.exists() else []
    records = [json.loads(line) for line in lines]
    keys = ("method", "compression_ratio", "seed")
    return {Cell(*(record[key] for key in keys)): record for record in records}


def main() -> None:
    """Trains what is not yet done."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--root", type=Path, required=True, help="a folder for everything")
    parser.add_argument("--data", type=Path, help="a raw log; default: generated rows")
    parser.add_argument("--last-rows", action="store_true", help="evaluate on the last rows")
    parser.add_argument("--frequency-threshold", type=int, default=2)
    parser.add_argument("--methods", nargs="+", help="methods or stacks; default: all")
    parser.add_argument("--compression-ratios", nargs="+", type=float, default=[2, 10, 100])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    flags = parser.parse_args()
    folder = flags.root / "cells"
    folder.mkdir(parents=True, exist_ok=True)
    graph, transformed = preprocess(flags)
    path = folder / "cells.jsonl"
    done = _done(path)
    cells = [cell for cell in make_cells(flags) if cell not in done]
    print(f"{len(cells)} cells to train, {len(done)} done", flush=True)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(flags.processes, context, _start_process) as pool:
        futures = {
            pool.submit(run_cell, cell, graph, transformed, str(folder)): cell for cell in cells
        }
        for index, future in enumerate(as_completed(futures), start=1):
            try:
                record = future.result()
            except Exception:  # one method's failure is reported, and the others go on
                print(f"{futures[future].name} failed:\n{traceback.format_exc()}", flush=True)
                continue
            with path.open("a") as file:
                file.write(json.dumps(record) + "\n")
            note = "refused" if "refused" in record else f"{record['embedding_bytes']:,} bytes"
            print(f"{index}/{len(cells)} {futures[future].name}: {note}", flush=True)


if __name__ == "__main__":
    main()

"""Statistics of a comparison: ours, TFMA's, and a plain loop over scikit-learn.

    python -m benchmarks.evaluation
    python -m benchmarks.evaluation --no-tfma --model FOLDER --raw-rows FOLDER

Predictions are generated: each variant sees the rows' true log odds with a little noise of its own,
and 28 slice keys have five values each. Three things are timed:

* `all`: our statistics at full size (variants, rows, slices, resamples; see the flags).
* `half`: the same with half of the variants; the difference per variant is what one more costs.
* `predict`: with `--model`, what an exported model takes to predict as many rows, those of
  `--raw-rows` over and over, in as many threads.
* `loop`: `roc_auc_score` on rows drawn with replacement, one variant, a few resamples. It measures
  a single metric; ours measures eleven.
* `ours small` and `TFMA small`: both on the same few rows, two variants and one slice key, because
  TFMA does not get far: with 2,000 rows and 28 keys it had not finished after seven minutes. Its
  number of resamples is fixed at 20; ours is 100, its lowest.

They take turns. Prints medians of the rounds and ratios, in seconds by the clock and of the
processor, all cores together: the latter say more on a machine that others use too. Ours runs with
a thread for each core, as the pipeline does; TFMA is Python that holds the interpreter's lock and
runs in one.
"""

import argparse
import gc
import json
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import apache_beam as beam
import numpy as np
import pandas as pd
import pyarrow as pa
import tensorflow_model_analysis as tfma
from apache_beam.options.pipeline_options import PipelineOptions
from sklearn.metrics import roc_auc_score
from tfx_bsl.arrow import table_util

from components.evaluator.config import EvaluatorConfig
from components.evaluator.predict import Models
from components.evaluator.statistics.quality import measure_quality
from components.parquet import list_files, read_table, write_table
from schemas.click_log import LABEL
from schemas.predictions import ROW_ID, SLICE_TYPE, slice_column

_NUM_KEYS = 28
_BANDS = ("missing", "unseen", "tail", "middle", "head")
_NUM_FILES = 4
_LOOP_RESAMPLES = 5
_TFMA_ROWS_PER_BATCH = 1000


def write_predictions(
    folder: Path, num_rows: int, variants: Sequence[str], num_keys: int
) -> list[str]:
    """Writes generated predictions as the predicting step does; returns the files."""
    random = np.random.default_rng(0)
    logits = random.normal(-1.2, 1.0, num_rows)
    columns: dict[str, pa.Array] = {
        ROW_ID: pa.array(np.arange(num_rows)),
        LABEL: pa.array((random.random(num_rows) < 1 / (1 + np.exp(-logits))).astype(np.int64)),
    }
    for key in range(num_keys):
        bands = random.choice(5, size=num_rows, p=(0.05, 0.05, 0.1, 0.3, 0.5)).astype(np.int32)
        encoded = pa.DictionaryArray.from_arrays(pa.array(bands), pa.array(_BANDS))
        columns[slice_column(f"frequency of C{key + 1}")] = encoded.cast(SLICE_TYPE)
    for name in variants:
        seen = logits + random.normal(scale=0.4, size=num_rows)
        columns[name] = pa.array((1 / (1 + np.exp(-seen))).astype(np.float32))
    table = pa.table(columns)
    folder.mkdir()
    edges = np.linspace(0, num_rows, _NUM_FILES + 1).astype(int)
    paths = [str(folder / f"{number}.parquet") for number in range(_NUM_FILES)]
    for path, start, stop in zip(paths, edges[:-1], edges[1:], strict=True):
        write_table(table.slice(start, stop - start), path)
    return paths


def _num_cores() -> int:
    return len(os.sched_getaffinity(0))


def _threaded() -> beam.Pipeline:
    workers = _num_cores()
    options = ["--direct_running_mode=multi_threading", f"--direct_num_workers={workers}"]
    return beam.Pipeline(options=PipelineOptions(options))


def run_ours(files: Sequence[str], variants: Sequence[str], num_resamples: int) -> None:
    """Measures the variants as the pipeline does."""
    config = EvaluatorConfig(num_resamples=num_resamples)
    replicas = {name: [name] for name in variants}
    measure_quality(_threaded, files, replicas, variants[0], config)


def read_batches(folder: str, num_rows: int) -> list[pa.Table]:
    """Returns raw rows of the folder's files, over and over, in the batches of the step."""
    rows = pa.concat_tables([read_table(path) for path in list_files(folder)])
    rows = pa.concat_tables([rows] * -(-num_rows // len(rows))).slice(0, num_rows)
    size = EvaluatorConfig().batch_size
    return [rows.slice(start, size) for start in range(0, num_rows, size)]


def run_predict(models: Models, batches: Sequence[pa.Table]) -> None:
    """Predicts with a thread for each core, as the pipeline does."""
    with ThreadPoolExecutor(_num_cores()) as threads:
        list(threads.map(models.predict, batches))


def run_loop(files: Sequence[str], variant: str) -> None:
    """Resamples rows and calls scikit-learn, as most notebooks do."""
    table = pa.concat_tables([read_table(path, [LABEL, variant]) for path in files])
    labels, predictions = table[LABEL].to_numpy(), table[variant].to_numpy()
    random = np.random.default_rng(0)
    for _ in range(_LOOP_RESAMPLES):
        rows = random.integers(0, len(labels), len(labels))
        roc_auc_score(labels[rows], predictions[rows])


def run_tfma(files: Sequence[str], variants: Sequence[str], key: str) -> None:
    """Lets TFMA compute comparable metrics with its own Poisson bootstrap."""
    column = slice_column(key)
    frame = pd.concat(
        [read_table(path, [LABEL, column, *variants]).to_pandas() for path in files]
    ).astype({column: str})
    batches = [
        table_util.CanonicalizeRecordBatch(
            pa.RecordBatch.from_pandas(
                frame.iloc[start : start + _TFMA_ROWS_PER_BATCH], preserve_index=False
            )
        )
        for start in range(0, len(frame), _TFMA_ROWS_PER_BATCH)
    ]
    classes = ("AUC", "AUCPrecisionRecall", "BinaryCrossEntropy", "Calibration", "BinaryAccuracy")
    classes += ("MeanSquaredError", "Precision", "Recall", "F1Score")
    config = tfma.EvalConfig(
        model_specs=[
            tfma.ModelSpec(
                name=name, label_key=LABEL, prediction_key=name, is_baseline=name == variants[0]
            )
            for name in variants
        ],
        metrics_specs=[
            tfma.MetricsSpec(metrics=[tfma.MetricConfig(class_name=name) for name in classes])
        ],
        slicing_specs=[tfma.SlicingSpec(), tfma.SlicingSpec(feature_keys=[column])],
        options=tfma.Options(
            compute_confidence_intervals={"value": True},
            confidence_intervals={"method": "POISSON_BOOTSTRAP"},
        ),
    )
    with tempfile.TemporaryDirectory() as output, beam.Pipeline() as pipeline:
        _ = (
            pipeline
            | beam.Create(batches)
            | tfma.ExtractEvaluateAndWriteResults(eval_config=config, output_path=output)
        )


class _Taken(NamedTuple):
    """What work takes: seconds by the clock, and of the processor."""

    wall: float
    cpu: float


def _taken(work: Callable[[], None]) -> _Taken:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return _Taken(time.perf_counter() - wall, time.process_time() - cpu)


def _parse_flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--variants", type=int, default=10)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--small-rows", type=int, default=2000, help="where TFMA takes part")
    parser.add_argument("--no-tfma", action="store_true", help="it takes most of the time")
    parser.add_argument("--model", help="folder of a saved_model.pb that predicts as well")
    parser.add_argument("--raw-rows", help="folder of raw eval rows in Parquet for --model")
    flags = parser.parse_args()
    if (flags.model is None) != (flags.raw_rows is None):
        parser.error("--model and --raw-rows go together")
    return flags


def main() -> None:
    """Reads the flags, takes turns and prints medians."""
    flags = _parse_flags()
    logging.getLogger().setLevel(logging.ERROR)
    gc.freeze()  # as the pipeline does when it has loaded TensorFlow and Beam
    variants = ["full", *(f"variant_{number}" for number in range(1, flags.variants))]
    half = variants[: (flags.variants + 1) // 2]
    few = variants[:2]
    with tempfile.TemporaryDirectory() as name:
        files = write_predictions(Path(name) / "full", flags.rows, variants, _NUM_KEYS)
        small = write_predictions(Path(name) / "small", flags.small_rows, few, 1)
        work = {
            "all": lambda: run_ours(files, variants, flags.resamples),
            "half": lambda: run_ours(files, half, flags.resamples),
            "loop": lambda: run_loop(files, variants[0]),
            "ours small": lambda: run_ours(small, few, 100),
        }
        if flags.model:
            models = Models({"model": flags.model})
            batches = read_batches(flags.raw_rows, flags.rows)
            work["predict"] = lambda: run_predict(models, batches)
        if not flags.no_tfma:
            work["TFMA small"] = lambda: run_tfma(small, few, "frequency of C1")
        for name in ("ours small", "predict"):  # What is compiled or loaded at the first call.
            if name in work:
                work[name]()
        taken: dict[str, list[_Taken]] = {name: [] for name in work}
        for _ in range(flags.rounds):
            for name, each in work.items():
                taken[name].append(_taken(each))
    medians = {
        name: _Taken(*map(statistics.median, zip(*each, strict=True)))
        for name, each in taken.items()
    }
    print(json.dumps(_found(medians, flags, flags.variants - len(half)), indent=1))


def _found(
    medians: dict[str, _Taken], flags: argparse.Namespace, num_more: int
) -> dict[str, float]:
    """Returns what is printed."""
    one_more = _Taken(
        *((a - b) / num_more for a, b in zip(medians["all"], medians["half"], strict=True))
    )
    found = {}
    for name, each in {**medians, "one more variant": one_more}.items():
        found[f"{name} (s)"] = round(each.wall, 3)
        found[f"{name} (CPU s)"] = round(each.cpu, 3)
    # What the loop would take for one metric of all variants in all resamples.
    loop = medians["loop"].wall / _LOOP_RESAMPLES * flags.resamples * flags.variants
    found["loop, all resamples and variants (s, computed)"] = round(loop, 1)
    found["loop / all"] = round(loop / medians["all"].wall, 1)
    if "predict" in medians:
        found["one more variant / predict"] = round(one_more.wall / medians["predict"].wall, 3)
        found["one more variant / predict (CPU)"] = round(one_more.cpu / medians["predict"].cpu, 3)
    if "TFMA small" in medians:
        ratio = medians["TFMA small"].wall / medians["ours small"].wall
        found["TFMA small / ours small"] = round(ratio, 1)
    return found


if __name__ == "__main__":
    main()

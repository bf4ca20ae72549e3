"""Statistics of a comparison: ours, TFMA's, and a plain loop over scikit-learn.

    python -m benchmarks.evaluation

Predictions are generated: each variant sees the rows' true log odds with a little noise of its own,
and 28 slice keys have five values each. Three things are timed:

* `all`: our statistics at full size (variants, rows, slices, resamples; see the flags).
* `one more`: the same with half of the variants; the difference per variant is what one more costs.
* `loop`: `roc_auc_score` on rows drawn with replacement, one variant, a few resamples. It measures
  a single metric; ours measures eleven.
* `ours small` and `TFMA small`: both on the same few rows, two variants and one slice key, because
  TFMA does not get far: with 2,000 rows and 28 keys it had not finished after seven minutes. Its
  number of resamples is fixed at 20; ours is 100, its lowest.

They take turns. Prints medians of the rounds and ratios. Ours runs with a thread for each core, as
the pipeline does; TFMA is Python that holds the interpreter's lock and runs in one.
"""

import argparse
import json
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import apache_beam as beam
import numpy as np
import pandas as pd
import pyarrow as pa
import tensorflow_model_analysis as tfma
from apache_beam.options.pipeline_options import PipelineOptions
from sklearn.metrics import roc_auc_score
from tfx_bsl.arrow import table_util

from components.evaluator.config import EvaluatorConfig
from components.evaluator.statistics.quality import measure_quality
from components.parquet import read_table, write_table
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


def _threaded() -> beam.Pipeline:
    workers = len(os.sched_getaffinity(0))
    options = ["--direct_running_mode=multi_threading", f"--direct_num_workers={workers}"]
    return beam.Pipeline(options=PipelineOptions(options))


def run_ours(files: Sequence[str], variants: Sequence[str], num_resamples: int) -> None:
    """Measures the variants as the pipeline does."""
    config = EvaluatorConfig(num_resamples=num_resamples)
    replicas = {name: [name] for name in variants}
    measure_quality(_threaded, files, replicas, variants[0], config)


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


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Reads the flags, takes turns and prints medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--variants", type=int, default=10)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--small-rows", type=int, default=2000, help="where TFMA takes part")
    parser.add_argument("--no-tfma", action="store_true", help="it takes most of the time")
    flags = parser.parse_args()
    logging.getLogger().setLevel(logging.ERROR)
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
        if not flags.no_tfma:
            work["TFMA small"] = lambda: run_tfma(small, few, "frequency of C1")
        times: dict[str, list[float]] = {name: [] for name in work}
        for _ in range(flags.rounds):
            for name, each in work.items():
                times[name].append(_seconds(each))
    medians = {name: statistics.median(each) for name, each in times.items()}
    found = {f"{name} (s)": round(median, 3) for name, median in medians.items()}
    one_more = (medians["all"] - medians["half"]) / (flags.variants - len(half))
    found["one more variant (s)"] = round(one_more, 3)
    # What the loop would take for one metric of all variants in all resamples.
    loop = medians["loop"] / _LOOP_RESAMPLES * flags.resamples * flags.variants
    found["loop, all resamples and variants (s, computed)"] = round(loop, 1)
    found["loop / all"] = round(loop / medians["all"], 1)
    if "TFMA small" in medians:
        found["TFMA small / ours small"] = round(medians["TFMA small"] / medians["ours small"], 1)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()

"""Predictions of all replicas on the raw eval rows, beside their labels and slices, by Beam."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf
from apache_beam.utils.shared import Shared

from components import progress
from components.errors import InputError
from components.evaluator.config import EvaluatorConfig
from components.evaluator.slice_keys import SliceKeys, SlicePlan, plan_slices
from components.features import Features, read_features
from components.parquet import count_rows, read_table, write_table
from components.raw_tensors import raw_tensors
from schemas.click_log import LABEL, WEIGHT
from schemas.predictions import ROW_ID, slice_keys_of
from schemas.serving import PROBABILITY, RAW_FEATURES
from schemas.spans import SpanCounts
from schemas.transformed import CATEGORICAL


class Models:
    """The loaded models, called by their signature for raw features."""

    def __init__(self, paths: Mapping[str, str]) -> None:
        """Loads the SavedModels, one after the other: loading is Python and holds its lock.

        Args:
          paths: column of the predictions -> the folder that holds `saved_model.pb`.
        """
        # A signature does not keep the model alive that it was loaded with.
        self._models = {}
        for number, (name, path) in enumerate(paths.items(), start=1):
            progress.report(f"loading model {number} of {len(paths)}: {name}")
            self._models[name] = tf.saved_model.load(path)

    def predict(self, rows: pa.Table) -> dict[str, np.ndarray]:
        """Returns column -> float32 `[num_rows]` click probabilities for raw rows."""
        tensors = {name: tf.constant(values) for name, values in raw_tensors(rows).items()}
        return {
            name: model.signatures[RAW_FEATURES](**tensors)[PROBABILITY].numpy()
            for name, model in self._models.items()
        }


class _Worker:
    """What all threads of a process share: the models, the slices, and how far they are."""

    def __init__(
        self,
        model_paths: Mapping[str, str],
        plan: SlicePlan,
        features: Features,
        transform_graph_uri: str,
        batch_size: int,
    ) -> None:
        self.models = Models(model_paths)
        self.slices = SliceKeys(plan, features, transform_graph_uri)
        self.batch_size = batch_size
        self._total_rows = plan.num_rows
        self._columns = list(model_paths)
        self._num_rows = 0
        self._lock = threading.Lock()

    def predict(self, rows: pa.Table) -> dict[str, np.ndarray]:
        """Returns column -> float32 `[num_rows]`, batch by batch."""
        none: dict[str, np.ndarray] = {name: np.zeros(0, np.float32) for name in self._columns}
        parts = [none]
        for start in range(0, rows.num_rows, self.batch_size):
            batch = rows.slice(start, self.batch_size)
            parts.append(self.models.predict(batch))
            self._report(batch.num_rows)
        return {name: np.concatenate([part[name] for part in parts]) for name in self._columns}

    def _report(self, num_rows: int) -> None:
        with self._lock:
            self._num_rows += num_rows
            progress.report(
                f"predicted {self._num_rows:,} of {self._total_rows:,} rows "
                f"x {len(self._columns)} models"
            )


class _PredictFileFn(beam.DoFn):
    """(raw file, transformed file, number of its first row): writes the file's predictions."""

    def __init__(self, make_worker: Callable[[], _Worker], output_dir: str) -> None:
        self._make_worker = make_worker
        self._output_dir = output_dir
        self._shared = Shared()
        self._worker: _Worker | None = None

    def setup(self) -> None:
        """Loads the models, once a process."""
        self._worker = self._shared.acquire(self._make_worker)

    def process(self, element: tuple[str, str, int]) -> Iterator[str]:
        assert self._worker is not None, "Beam calls setup before process"
        path, transformed_path, first_row = element
        rows = read_table(path)
        slices = self._worker.slices
        ids = _read_ids(transformed_path, path, rows.num_rows) if slices.needs_ids else None
        columns = {
            ROW_ID: pa.array(np.arange(first_row, first_row + rows.num_rows, dtype=np.int64)),
            **{name: rows[name] for name in (LABEL, WEIGHT) if name in rows.column_names},
            **slices.columns(rows, path, first_row, ids),
            **{name: pa.array(values) for name, values in self._worker.predict(rows).items()},
        }
        output = os.path.join(self._output_dir, os.path.basename(path))
        write_predicted(columns, output)
        yield output


def write_predicted(columns: Mapping[str, pa.Array | pa.ChunkedArray], path: str) -> None:
    """Writes a file of predictions; see `schemas.predictions`."""
    table = pa.table(dict(columns))
    slices = [name for name in table.column_names if slice_keys_of([name])]
    # Probabilities hardly repeat: a dictionary of them would be tried, and thrown away.
    write_table(table, path, compression="lz4", use_dictionary=slices, write_statistics=False)


def _read_ids(transformed_path: str, path: str, num_rows: int) -> np.ndarray:
    """Returns the ids of a raw file's rows, integers `[num_rows, num_features]`."""
    lists = read_table(transformed_path, columns=[CATEGORICAL])[CATEGORICAL].combine_chunks()
    if len(lists) != num_rows:
        raise InputError(
            f"{transformed_path}: expected the {num_rows:,} rows of {path}; received {len(lists):,}"
        )
    return lists.flatten().to_numpy().reshape(-1, lists.type.list_size)


def write_predictions(
    make_pipeline: Callable[[], beam.Pipeline],
    eval_files: Sequence[str],
    transformed_split_uri: str,
    transform_graph_uri: str,
    model_paths: Mapping[str, str],
    output_dir: str,
    config: EvaluatorConfig,
    spans: Sequence[SpanCounts] = (),
) -> None:
    """Writes one file of predictions for each file of raw rows, under the same name.

    Its columns are those of `schemas.predictions`. A process holds all models at once.

    Args:
      make_pipeline: makes the Beam pipeline that predicts; it has run when this returns.
      eval_files: Parquet files with the columns of `schemas.click_log.raw_arrow_schema`, in name
        order.
      transformed_split_uri: the folder of the same rows after the transform graph, in files of the
        same names.
      transform_graph_uri: the folder of `features.json` and of the counts of the ids.
      model_paths: column of the predictions -> the folder that holds `saved_model.pb`.
      output_dir: where the files go; it is made where it is missing.
      config: the slices, and the number of rows a call.
      spans: of the log's window, oldest first, where it has some.

    Raises:
      InputError: if a column of `config.slices` is unknown, or a transformed file has other rows.
    """
    tf.io.gfile.makedirs(output_dir)
    num_rows = [count_rows(path) for path in eval_files]
    first_rows = np.cumsum([0, *num_rows]).tolist()
    features = read_features(transform_graph_uri)
    plan = plan_slices(config.slices, features.click_log, eval_files, first_rows[-1], spans)

    def make_worker() -> _Worker:
        return _Worker(model_paths, plan, features, transform_graph_uri, config.batch_size)

    elements = [
        (path, os.path.join(transformed_split_uri, os.path.basename(path)), first_row)
        for path, first_row in zip(eval_files, first_rows, strict=False)
    ]
    with make_pipeline() as pipeline:
        _ = (
            pipeline
            | "Files" >> beam.Create(elements)
            | "SpreadOut" >> beam.Reshuffle()
            | "Predict" >> beam.ParDo(_PredictFileFn(make_worker, output_dir))
        )
    # Beam keeps the newest shared object of a process: let go of the models.
    Shared().acquire(_Nothing)


class _Nothing:
    """Takes the place of a shared object."""

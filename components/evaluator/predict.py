"""Predictions of all variants on raw rows, as a Beam step."""

import os
from collections.abc import Callable, Iterator, Mapping

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf
from apache_beam.utils.shared import Shared

from components import progress
from components.parquet import count_rows, read_table, write_table
from components.raw_tensors import raw_tensors
from schemas.click_log import LABEL
from schemas.serving import PROBABILITY, RAW_FEATURES


class Models:
    """The loaded models, called by their signature for raw features."""

    def __init__(self, paths: Mapping[str, str]) -> None:
        """Loads the SavedModel of each variant.

        Args:
          paths: variant -> the folder that holds `saved_model.pb`.
        """
        # A signature does not keep the model alive that it was loaded with.
        self._models = {name: tf.saved_model.load(path) for name, path in paths.items()}

    def predict(self, rows: pa.Table) -> dict[str, np.ndarray]:
        """Returns variant -> float32 `[num_rows]` click probabilities for raw rows."""
        tensors = {name: tf.constant(values) for name, values in raw_tensors(rows).items()}
        return {
            name: model.signatures[RAW_FEATURES](**tensors)[PROBABILITY].numpy()
            for name, model in self._models.items()
        }


class _PredictFileFn(beam.DoFn):
    """Turns the path of a raw file into the path of its predictions."""

    def __init__(
        self, model_paths: Mapping[str, str], output_dir: str, batch_size: int, total_rows: int
    ) -> None:
        self._model_paths = dict(model_paths)
        self._output_dir = output_dir
        self._batch_size = batch_size
        self._total_rows = total_rows
        self._shared = Shared()
        self._num_rows = 0
        self._models: Models | None = None

    def setup(self) -> None:
        """Loads the models, once a process."""
        self._models = self._shared.acquire(lambda: Models(self._model_paths))

    def process(self, path: str) -> Iterator[str]:
        assert self._models is not None, "Beam calls setup before process"
        rows = read_table(path)
        none: dict[str, np.ndarray] = {name: np.zeros(0, np.float32) for name in self._model_paths}
        parts = [none]
        for start in range(0, rows.num_rows, self._batch_size):
            batch = rows.slice(start, self._batch_size)
            parts.append(self._models.predict(batch))
            self._num_rows += batch.num_rows
            progress.report(
                f"predicted {self._num_rows:,} of {self._total_rows:,} rows "
                f"x {len(self._model_paths)} variants"
            )
        columns = {LABEL: rows[LABEL]}
        for name in self._model_paths:
            columns[name] = pa.array(np.concatenate([part[name] for part in parts]))
        output = os.path.join(self._output_dir, os.path.split(path)[1])
        write_table(pa.table(columns), output)
        yield output


def write_predictions(
    make_pipeline: Callable[[], beam.Pipeline],
    files: list[str],
    model_paths: Mapping[str, str],
    output_dir: str,
    batch_size: int,
) -> None:
    """Writes one Parquet file of predictions for each file of raw rows, under the same name.

    A file has the raw rows' order, their int64 label and one float32 column a variant.

    Args:
      make_pipeline: makes the Beam pipeline that predicts; it has run when this returns.
      files: Parquet files with the columns of `schemas.click_log.raw_arrow_schema`.
      model_paths: variant -> the folder that holds `saved_model.pb`.
      output_dir: where the files go; it is made where it is missing.
      batch_size: rows a call of a model.
    """
    tf.io.gfile.makedirs(output_dir)
    total_rows = sum(map(count_rows, files))
    predict = _PredictFileFn(model_paths, output_dir, batch_size, total_rows)
    with make_pipeline() as pipeline:
        _ = (
            pipeline
            | "Files" >> beam.Create(files)
            | "SpreadOut" >> beam.Reshuffle()
            | "Predict" >> beam.ParDo(predict)
        )

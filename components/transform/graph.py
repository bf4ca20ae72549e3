"""Writing and applying the transform graph."""

import os
from collections.abc import Iterator

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform import impl_helper
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io

from components.parquet import read_table, write_table
from components.progress import report
from components.raw_tensors import raw_tensors
from components.transform.config import TransformConfig
from components.transform.preprocessing import make_preprocessing_fn, vocabulary_sizes
from components.transform.vocabulary import PackedVocabulary
from components.vocabulary_sizes import write_vocabulary_sizes
from schemas.criteo import CATEGORICAL, DENSE, LABEL, raw_feature_spec


def write_transform_graph(
    config: TransformConfig,
    vocabulary: PackedVocabulary | None,
    schema: schema_pb2.Schema,
    uri: str,
) -> None:
    """Writes the folder that `tft.TFTransformOutput` reads, and the vocabulary sizes.

    The graph's inputs are dense, `[batch]` each. The vocabulary file becomes its asset.

    Args:
      config: how features are treated.
      vocabulary: the values found in the train split, or None for hashing.
      schema: of the raw rows; kept beside the graph.
      uri: the folder, made if absent.
    """
    spec = raw_feature_spec()
    impl_helper.analyze_in_place(
        make_preprocessing_fn(config, vocabulary),
        force_tf_compat_v1=False,
        feature_specs={name: tf.io.FixedLenFeature([], s.dtype) for name, s in spec.items()},
        type_specs={name: tf.TensorSpec([None], s.dtype) for name, s in spec.items()},
        transform_output_path=uri,
    )
    metadata_io.write_metadata(
        dataset_metadata.DatasetMetadata(schema),
        os.path.join(uri, tft.TFTransformOutput.RAW_METADATA_DIR),
    )
    write_vocabulary_sizes(uri, vocabulary_sizes(config, vocabulary))


def to_transformed_table(label: pa.Array, dense: np.ndarray, categorical: np.ndarray) -> pa.Table:
    """Returns the columns of a transformed file.

    Args:
      label: int64 `[num_rows]`.
      dense: float32 `[num_rows, dense_width]`.
      categorical: int64 `[num_rows, num_features]`, below 2**31.

    Returns:
      `DENSE` (fixed-size list of float32), `CATEGORICAL` (fixed-size list of int32) and `LABEL`
      (float32).
    """
    return pa.table(
        {
            DENSE: pa.FixedSizeListArray.from_arrays(pa.array(dense.ravel()), dense.shape[1]),
            CATEGORICAL: pa.FixedSizeListArray.from_arrays(
                pa.array(categorical.astype(np.int32).ravel()), categorical.shape[1]
            ),
            LABEL: label.cast(pa.float32()),
        }
    )


class ApplyTransformGraph(beam.DoFn):
    """Raw Parquet files to transformed Parquet files, in large batches through the graph.

    An element is (raw file, transformed file); the output is (transformed file, number of rows).
    """

    def __init__(self, transform_graph_uri: str, batch_rows: int) -> None:
        """Remembers the graph's folder; it is loaded once a worker."""
        self._uri = transform_graph_uri
        self._batch_rows = batch_rows
        self._num_rows = 0

    def setup(self) -> None:
        """Loads the graph."""
        self._layer = tft.TFTransformOutput(self._uri).transform_features_layer()

    def process(self, paths: tuple[str, str]) -> Iterator[tuple[str, int]]:
        """Transforms one file."""
        source, target = paths
        rows = read_table(source)
        parts = [
            self._layer({name: tf.constant(v) for name, v in raw_tensors(batch).items()})
            for batch in self._batches(rows)
        ]
        table = to_transformed_table(
            rows[LABEL].combine_chunks(),
            np.concatenate([part[DENSE].numpy() for part in parts]),
            np.concatenate([part[CATEGORICAL].numpy() for part in parts]),
        )
        write_table(table, target, compression="snappy", use_dictionary=False)
        self._num_rows += table.num_rows
        report(f"{self._num_rows:,} rows")
        yield target, table.num_rows

    def _batches(self, rows: pa.Table) -> Iterator[pa.Table]:
        for start in range(0, max(rows.num_rows, 1), self._batch_rows):
            yield rows.slice(start, self._batch_rows).combine_chunks()

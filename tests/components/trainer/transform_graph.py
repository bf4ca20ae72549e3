"""Transform graphs written straight to disk, without TFT's pass over data."""

from collections.abc import Callable, Mapping
from pathlib import Path

import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform import impl_helper
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io

from schemas.click_log import ClickLog, raw_feature_spec

Features = Mapping[str, tf.Tensor]


def write_transform_graph(
    preprocessing_fn: Callable[[Features], Features], click_log: ClickLog, folder: Path
) -> None:
    """Writes what TFT would for a `preprocessing_fn` without analyzers.

    Args:
      preprocessing_fn: of the raw features, each `[batch]`.
      click_log: the layout of the raw rows.
      folder: where the graph goes; it is made.
    """
    spec = raw_feature_spec(click_log)
    impl_helper.analyze_in_place(
        preprocessing_fn,
        force_tf_compat_v1=False,
        feature_specs={name: tf.io.FixedLenFeature([], s.dtype) for name, s in spec.items()},
        type_specs={name: tf.TensorSpec([None], s.dtype) for name, s in spec.items()},
        transform_output_path=str(folder),
    )
    metadata_io.write_metadata(
        dataset_metadata.DatasetMetadata(schema_pb2.Schema()),
        str(folder / tft.TFTransformOutput.RAW_METADATA_DIR),
    )

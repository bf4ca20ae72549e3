"""Writing the transform graph."""

import os

import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform import impl_helper
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io

from components.features import write_features
from components.transform.preprocessing import Preprocessing
from schemas.click_log import raw_feature_spec


def write_transform_graph(
    preprocessing: Preprocessing, schema: schema_pb2.Schema, uri: str
) -> None:
    """Writes the folder that `tft.TFTransformOutput` reads, and `components.features`.

    The graph's inputs are dense, `[batch]` each. The vocabulary file becomes its asset.

    Args:
      preprocessing: what the graph does.
      schema: of the raw rows; kept beside the graph.
      uri: the folder, made if absent.
    """
    spec = raw_feature_spec(preprocessing.click_log)
    impl_helper.analyze_in_place(
        preprocessing.preprocessing_fn,
        force_tf_compat_v1=False,
        feature_specs={name: tf.io.FixedLenFeature([], s.dtype) for name, s in spec.items()},
        type_specs={name: tf.TensorSpec([None], s.dtype) for name, s in spec.items()},
        transform_output_path=uri,
    )
    metadata_io.write_metadata(
        dataset_metadata.DatasetMetadata(schema),
        os.path.join(uri, tft.TFTransformOutput.RAW_METADATA_DIR),
    )
    write_features(uri, preprocessing.features)

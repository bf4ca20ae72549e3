"""The exported model: raw features in, probability out."""

from collections.abc import Mapping

import tensorflow as tf
import tensorflow_transform as tft

from components.trainer.model import Dlrm
from schemas.criteo import raw_feature_spec
from schemas.serving import EXAMPLES_INPUT, PROBABILITY, RAW_FEATURES, SERVING_DEFAULT


class ServedModel(tf.Module):
    """The transform graph followed by a trained network."""

    def __init__(self, transform_graph_uri: str, network: Dlrm) -> None:
        """Joins both.

        Args:
          transform_graph_uri: the folder that `tft.TFTransformOutput` reads.
          network: takes the outputs of the graph.
        """
        super().__init__()
        self._transform = tft.TFTransformOutput(transform_graph_uri).transform_features_layer()
        self._network = network

    def predict(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Returns `PROBABILITY`, float32 `[batch]`, for raw features by name, each `[batch]`."""
        return {PROBABILITY: tf.sigmoid(self._network(self._transform(raw)))}

    def predict_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns `PROBABILITY`, float32 `[batch]`, for tf.Examples, string `[batch]`."""
        return self.predict(tf.io.parse_example(examples, raw_feature_spec()))


def export(transform_graph_uri: str, network: Dlrm, serving_model_dir: str) -> None:
    """Writes a SavedModel with the signatures of `schemas.serving`.

    The vocabulary is copied into it: it needs nothing else.
    """
    model = ServedModel(transform_graph_uri, network)
    examples = tf.TensorSpec([None], tf.string, name=EXAMPLES_INPUT)
    raw = {
        name: tf.TensorSpec([None], feature.dtype, name=name)
        for name, feature in raw_feature_spec().items()
    }
    signatures = {
        SERVING_DEFAULT: tf.function(model.predict_examples).get_concrete_function(examples),
        RAW_FEATURES: tf.function(model.predict).get_concrete_function(raw),
    }
    tf.saved_model.save(model, serving_model_dir, signatures=signatures)

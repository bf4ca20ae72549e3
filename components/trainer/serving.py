"""The exported model: raw features in, probability out."""

from collections.abc import Mapping

import tensorflow as tf
import tensorflow_transform as tft

from components.trainer.model import Dlrm
from schemas.click_log import ClickLog, raw_feature_spec
from schemas.serving import EXAMPLES_INPUT, PROBABILITY, RAW_FEATURES, SERVING_DEFAULT
from schemas.transformed import CATEGORICAL


class ServedModel:
    """The transform graph followed by a trained network."""

    def __init__(
        self, transform_graph_uri: str, network: Dlrm, click_log: ClickLog, logit_offset: float
    ) -> None:
        """Joins both.

        Args:
          transform_graph_uri: the folder that `tft.TFTransformOutput` reads.
          network: takes the outputs of the graph.
          click_log: the layout of the raw rows.
          logit_offset: is added to the network's logits.
        """
        self._feature_spec = raw_feature_spec(click_log)
        self._logit_offset = logit_offset
        path = tft.TFTransformOutput(transform_graph_uri).transform_savedmodel_dir
        self._transform = tf.saved_model.load(path)
        self._network = network

    def predict(self, raw: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Returns `PROBABILITY`, float32 `[batch]`, for raw features by name, each `[batch]`."""
        features = dict(self._transform.transform_fn(raw))
        # As in training: one cast here, or one for each embedding there.
        features[CATEGORICAL] = tf.cast(features[CATEGORICAL], tf.int32)
        logits = self._network(features)
        return {PROBABILITY: tf.sigmoid(logits + self._logit_offset)}

    def predict_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns `PROBABILITY`, float32 `[batch]`, for tf.Examples, string `[batch]`."""
        return self.predict(tf.io.parse_example(examples, self._feature_spec))

    def raw_specs(self) -> dict[str, tf.TensorSpec]:
        """Returns raw feature -> the spec of its tensor, `[batch]`."""
        return {
            name: tf.TensorSpec([None], feature.dtype, name=name)
            for name, feature in self._feature_spec.items()
        }

    def state(self) -> tf.Module:
        """Returns what the predictions read: the variables, and the vocabulary's table.

        No function of the transform graph or of the network belongs to it, so a server does not
        read them a second time: a model of a few MB loads two to three times faster.
        """
        state = tf.Module()
        state.variables_of_network = list(self._network.variables)
        state.resources = self._transform.resources
        state.variables_of_transform = self._transform.created_variables
        return state


def export(model: ServedModel, serving_model_dir: str) -> None:
    """Writes a SavedModel with the signatures of `schemas.serving`.

    The vocabulary is copied into it: it needs nothing else.
    """
    examples = tf.TensorSpec([None], tf.string, name=EXAMPLES_INPUT)
    by_example = tf.function(model.predict_examples, autograph=False)
    by_name = tf.function(model.predict, autograph=False)
    signatures = {
        SERVING_DEFAULT: by_example.get_concrete_function(examples),
        RAW_FEATURES: by_name.get_concrete_function(model.raw_specs()),
    }
    tf.saved_model.save(model.state(), serving_model_dir, signatures=signatures)

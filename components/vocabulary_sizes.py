"""The number of ids of each categorical feature, kept beside the transform graph."""

import json
import os

import tensorflow as tf

from components.files import write_text
from schemas.criteo import CATEGORICAL_FEATURES

_FILE = "vocabulary_sizes.json"


def write_vocabulary_sizes(transform_graph_uri: str, sizes: dict[str, int]) -> None:
    """Writes the sizes into the transform graph's folder."""
    write_text(os.path.join(transform_graph_uri, _FILE), json.dumps(sizes, indent=1) + "\n")


def read_vocabulary_sizes(transform_graph_uri: str) -> dict[str, int]:
    """Returns feature name -> vocabulary_size, reserved ids included, in column order.

    A feature's ids lie in `[0, vocabulary_size)`.
    """
    with tf.io.gfile.GFile(os.path.join(transform_graph_uri, _FILE)) as file:
        sizes = json.load(file)
    return {name: int(sizes[name]) for name in CATEGORICAL_FEATURES}

"""How many bytes a dataset version has."""

import json
import os

import tensorflow as tf

from components.example_gen.quarantine import SUMMARY


def dataset_bytes(quarantine_uri: str) -> int:
    """Returns the bytes of the raw lines of a version, as ExampleGen counted them.

    Args:
      quarantine_uri: folder of that output of ExampleGen.
    """
    with tf.io.gfile.GFile(os.path.join(quarantine_uri, SUMMARY)) as file:
        return int(json.loads(file.read())["version"]["num_bytes"])

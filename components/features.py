"""What the transform graph takes and gives, kept beside it as `features.json`."""

import os

import tensorflow as tf
from pydantic import Field

from components.files import write_text
from schemas.click_log import ClickLog
from schemas.step_config import StepConfig

_FILE = "features.json"


class Features(StepConfig):
    """The features before and after the transform graph.

    Attributes:
      click_log: the layout of the raw rows.
      dense_width: the width of the transformed `dense`; 0 where the log has no numeric feature.
      vocabulary_sizes: transformed categorical feature -> its number of ids, in the order of the
        columns of `categorical`. Ids lie in `[0, vocabulary_size)`.
    """

    click_log: ClickLog
    dense_width: int = Field(ge=0)
    vocabulary_sizes: dict[str, int] = Field(min_length=1)


def write_features(transform_graph_uri: str, features: Features) -> None:
    """Writes the file into the transform graph's folder."""
    write_text(os.path.join(transform_graph_uri, _FILE), features.model_dump_json(indent=1) + "\n")


def read_features(transform_graph_uri: str) -> Features:
    """Reads the file from the transform graph's folder."""
    with tf.io.gfile.GFile(os.path.join(transform_graph_uri, _FILE)) as file:
        return Features.from_json(file.read())

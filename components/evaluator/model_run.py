"""What a trainer says about its run: `training.json` of its ModelRun artifact."""

import os

import tensorflow as tf
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components.errors import InputError

TRAINING_FILE = "training.json"


class TrainingFacts(BaseModel):
    """The facts of a training run that the comparison shows; others are ignored.

    Attributes:
      num_parameters: trained numbers of the whole model.
      embedding_bytes: bytes of the embedding part's variables.
      train_seconds: wall time of the training.
      train_examples_per_second: training rows seen a second.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    num_parameters: int = Field(ge=0)
    embedding_bytes: int = Field(ge=0)
    train_seconds: float = Field(ge=0.0)
    train_examples_per_second: float = Field(ge=0.0)


def read_training_facts(model_run_uri: str) -> TrainingFacts:
    """Reads the facts of one variant's training.

    Raises:
      InputError: if the file is missing, or a field is missing or not a number.
    """
    path = os.path.join(model_run_uri, TRAINING_FILE)
    if not tf.io.gfile.exists(path):
        raise InputError(f"{path}: not found; a trainer writes it beside its logs")
    with tf.io.gfile.GFile(path) as file:
        text = file.read()
    try:
        return TrainingFacts.model_validate_json(text)
    except ValidationError as error:
        raise InputError(f"{path}: {error}") from error

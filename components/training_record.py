"""What a trainer says about its run, in its ModelRun artifact; the Evaluator reads it."""

import json
import os
from typing import Any

import tensorflow as tf
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components.errors import InputError
from components.files import write_text

TRAINING_FILE = "training.json"


class TrainingSummary(BaseModel):
    """What the steps of a training took.

    Attributes:
      train_steps: the number of optimizer steps.
      trace_seconds: wall time of tracing the step.
      train_seconds: wall time of all steps, input included, tracing not.
      train_examples_per_second: rows a second after the first step, which prepares the graph.
      final_train_loss: the mean loss of the last 100 steps, nats.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    train_steps: int = Field(ge=0)
    trace_seconds: float = Field(ge=0)
    train_seconds: float = Field(ge=0)
    train_examples_per_second: float = Field(ge=0)
    final_train_loss: float


class TrainingRecord(TrainingSummary):
    """One variant's training, as `training.json` holds it.

    Attributes:
      variant: its name.
      method: its embedding method.
      seed: of the weights and of the order of the rows.
      config: the trainer's whole configuration.
      num_parameters: trained values of the whole network.
      embedding_bytes: bytes of the embeddings' variables.
      train_rows: rows of the train split.
      eval_rows: rows of the eval split.
      eval_logloss: of the network on the transformed eval rows, nats; None if it is not finite.
      export_seconds: wall time of writing the SavedModel.
    """

    variant: str
    method: str
    seed: int
    config: dict[str, Any]
    num_parameters: int = Field(ge=0)
    embedding_bytes: int = Field(ge=0)
    train_rows: int = Field(ge=0)
    eval_rows: int = Field(ge=0)
    eval_logloss: float | None
    export_seconds: float = Field(ge=0)


def write_training_record(model_run_uri: str, record: TrainingRecord) -> None:
    """Writes the record into the ModelRun's folder, which is made where it is missing."""
    tf.io.gfile.makedirs(model_run_uri)
    text = json.dumps(record.model_dump(mode="json"), indent=1, allow_nan=False)
    write_text(os.path.join(model_run_uri, TRAINING_FILE), text + "\n")


def read_training_record(model_run_uri: str) -> TrainingRecord:
    """Reads the record of one variant's training.

    Raises:
      InputError: if the file is missing, or a field is missing, unknown or of the wrong type.
    """
    path = os.path.join(model_run_uri, TRAINING_FILE)
    if not tf.io.gfile.exists(path):
        raise InputError(f"{path}: not found; a trainer writes it beside its logs")
    with tf.io.gfile.GFile(path) as file:
        text = file.read()
    try:
        return TrainingRecord.model_validate_json(text)
    except ValidationError as error:
        raise InputError(f"{path}: {error}") from error

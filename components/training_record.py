"""What a trainer says about its run, in its ModelRun artifact; the Evaluator reads it."""

import json
import os
from collections.abc import Sequence
from typing import Any, Literal

import tensorflow as tf
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components.errors import InputError
from components.files import write_text

TRAINING_FILE = "training.json"
SHARED_TABLES = "shared"


class LossPoint(BaseModel):
    """A point of the loss curve of a training: of the loss that is trained, `trainer.loss`.

    Attributes:
      step: the last one of those that the point stands for, counted from 1.
      examples: rows that were trained on up to then, repeated ones included.
      loss: the mean loss of the steps since the point before; nats for the logloss.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: int = Field(ge=1)
    examples: int = Field(ge=1)
    loss: float


class EvalPoint(BaseModel):
    """An evaluation while training.

    Attributes:
      step: the steps before it.
      examples: rows that were trained on up to then, repeated ones included.
      train_seconds: wall time of the steps before it.
      logloss: nats, of the network as it is trained: what the rounding of tables for serving costs
        is not in it.
      metrics: auc_roc, accuracy, precision, recall and f1 on the same rows, by the Evaluator's
        definitions, at the threshold 0.5; those that the rows do not define are missing.
      train_metrics: the same and `logloss` on rows that are trained on; empty unless asked for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: int = Field(ge=1)
    examples: int = Field(ge=1)
    train_seconds: float = Field(ge=0)
    logloss: float
    metrics: dict[str, float] = {}
    train_metrics: dict[str, float] = {}


class TrainingSummary(BaseModel):
    """What the steps of a training took and how they went.

    Attributes:
      train_steps: the number of optimizer steps.
      trace_seconds: wall time of tracing the step.
      train_seconds: wall time of all steps, input included; tracing, evaluations and checkpoints
        are not.
      teacher_seconds: wall time of the steps of its teacher and of the teacher's predictions; they
        come on top of `train_seconds`.
      train_examples_per_second: rows a second after the first step, which prepares the graph.
      final_train_loss: the mean loss of the last 100 steps, of the loss that is trained.
      loss_curve: at most 200 points, evenly over the steps.
      eval_curve: the evaluations while training, in order.
      eval_curve_rows: what rows they were made on; None if there was none.
      evaluation_seconds: wall time of these evaluations.
      checkpoint_seconds: wall time of writing checkpoints and of keeping the best weights.
      best_step: the evaluation with the lowest logloss came after this step; None without one.
      exported_step: the weights after this step are the result.
      stop_reason: `"last_step"`, or `"early_stopping"` before it.
      embedding_training_bytes: of all that the training kept for ids: tables, indices, what the
        optimizer remembers of them.
      resumed_steps: after which steps a killed training was taken up again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    train_steps: int = Field(ge=0)
    trace_seconds: float = Field(ge=0)
    train_seconds: float = Field(ge=0)
    teacher_seconds: float = Field(default=0.0, ge=0)
    train_examples_per_second: float = Field(ge=0)
    final_train_loss: float
    loss_curve: tuple[LossPoint, ...] = ()
    eval_curve: tuple[EvalPoint, ...] = ()
    eval_curve_rows: Literal["validation", "eval"] | None = None
    evaluation_seconds: float = Field(default=0.0, ge=0)
    checkpoint_seconds: float = Field(default=0.0, ge=0)
    best_step: int | None = None
    exported_step: int | None = None
    stop_reason: Literal["last_step", "early_stopping"] = "last_step"
    embedding_training_bytes: int = Field(default=0, ge=0)
    resumed_steps: tuple[int, ...] = ()


class TrainingRecord(TrainingSummary):
    """One variant's training, as `training.json` holds it.

    Attributes:
      variant: its name.
      method: its embedding method.
      seed: of the weights and of the order of the rows.
      config: the trainer's whole configuration.
      num_parameters: trained values of the whole network.
      embedding_bytes: of all that stands for ids in the exported model.
      table_bytes: categorical feature -> how many of these bytes are its alone, in column order;
        `SHARED_TABLES` has those that several features share. Empty in older records.
      train_rows: rows of the train split that were trained on.
      validation_rows: rows of the train split that were held out to decide when to stop.
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
    table_bytes: dict[str, int] = {}
    train_rows: int = Field(ge=0)
    validation_rows: int = Field(default=0, ge=0)
    eval_rows: int = Field(ge=0)
    eval_logloss: float | None
    export_seconds: float = Field(ge=0)


def table_bytes(features: Sequence[str], own: Sequence[int], shared: int) -> dict[str, int]:
    """Returns `TrainingRecord.table_bytes`.

    Args:
      features: the categorical ones.
      own: the bytes that are each one's alone.
      shared: those that several share; left out if there are none.
    """
    found = dict(zip(features, own, strict=True))
    if shared:
        found[SHARED_TABLES] = found.get(SHARED_TABLES, 0) + shared
    return found


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

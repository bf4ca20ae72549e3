"""What a teacher leaves to its student: its logit of every row that is trained on."""

import os
import time
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import tensorflow as tf
from pydantic import BaseModel, ConfigDict

from components import parquet
from components.files import write_text
from components.trainer.config import TrainerConfig
from components.trainer.data import TEACHER_LOGIT, make_dataset, read_labels
from components.trainer.devices import Devices
from components.trainer.model import Dlrm
from components.trainer.train_step import Batch, gather_over_replicas

_BATCH_ROWS = 8192
_FILE = "teaching.json"


class Teaching(BaseModel):
    """The logits and what they took.

    Attributes:
      files: for each file of the rows that are trained on a Parquet file with the column
        `TEACHER_LOGIT`, float32, one value a row, in the order of the rows.
      mean_probability: of the teacher at the temperature, by weight.
      seconds: wall time of the teacher's steps and of its predictions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: tuple[str, ...]
    mean_probability: float
    seconds: float


def find_teaching(folder: str) -> Teaching | None:
    """Returns what `write_teaching` wrote into a folder, or None: it writes its JSON last."""
    path = os.path.join(folder, _FILE)
    if not tf.io.gfile.exists(path):
        return None
    with tf.io.gfile.GFile(path) as file:
        return Teaching.model_validate_json(file.read())


def write_teaching(
    teacher: Dlrm,
    config: TrainerConfig,
    files: Sequence[str],
    devices: Devices,
    train_seconds: float,
    folder: str,
) -> Teaching:
    """Writes a teacher's logits.

    They are those of the network, before what makes up for sampled negatives is added: teacher and
    student are trained on the same rows.

    Args:
      teacher: trained, on `devices`.
      config: of the student.
      files: transformed Parquet files.
      devices: all of this machine.
      train_seconds: wall time of the teacher's steps.
      folder: is made.
    """
    start_seconds = time.monotonic()
    tf.io.gfile.makedirs(folder)
    predict = _Predictions(teacher, config, files[0], devices)
    paths, sums = [], np.zeros(2)
    for index, path in enumerate(files):
        logits = predict(path)
        paths.append(os.path.join(folder, f"{index:05}{parquet.SUFFIX}"))
        parquet.write_table(pa.table({TEACHER_LOGIT: logits}), paths[-1])
        label, weight = read_labels(path)
        weight = weight * np.where(label > 0, 1.0, config.negative_weight)
        cooled = logits.astype(np.float64) / config.distillation.temperature
        probability = np.exp(-np.logaddexp(0.0, -cooled))
        sums += (weight * probability).sum(), weight.sum()
    teaching = Teaching(
        files=tuple(paths),
        mean_probability=float(sums[0] / sums[1]),
        seconds=train_seconds + time.monotonic() - start_seconds,
    )
    write_text(os.path.join(folder, _FILE), teaching.model_dump_json())
    return teaching


class _Predictions:
    """Computes the logits of all rows of a file, in their order; the computation is traced once."""

    def __init__(self, network: Dlrm, config: TrainerConfig, path: str, devices: Devices) -> None:
        self._network = network
        self._devices = devices
        self._batch_rows = devices.evaluation_batch_rows(_BATCH_ROWS, config.batch_size)
        self._step = devices.compile(self._logits, self._dataset(path).element_spec)

    def __call__(self, path: str) -> np.ndarray:
        """Returns float32 `[num_rows]`."""
        batches = [self._step(batch).numpy() for batch in self._dataset(path)]
        logits = np.concatenate([np.empty(0, np.float32), *batches])
        return logits[: parquet.count_rows(path)]  # the last batch is filled up

    def _dataset(self, path: str) -> tf.data.Dataset:
        dataset = make_dataset([path], self._batch_rows, window_rows=1)
        return self._devices.distribute(dataset, lambda batch: batch)

    def _logits(self, batch: Batch) -> tf.Tensor:
        return gather_over_replicas(self._network(batch[0]))

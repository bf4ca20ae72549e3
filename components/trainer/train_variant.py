"""Everything of the training of one variant: its teacher, its network, the order of its rows."""

import gc
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

import tensorflow as tf

from components.errors import InputError
from components.features import Features
from components.progress import report
from components.trainer.architecture import make_dlrm
from components.trainer.config import TrainerConfig
from components.trainer.curriculum import read_frequencies
from components.trainer.devices import Devices
from components.trainer.loop.teaching import Teaching, find_teaching, write_teaching
from components.trainer.loop.training import train
from components.trainer.model import Dlrm
from components.training_record import TrainingSummary

_TEACHER, _TEACHING = "teacher", "teaching"


@dataclass(frozen=True)
class TrainingRows:
    """Transformed Parquet files by what they are for.

    Attributes:
      transform_graph_uri: the folder of the graph that transformed them.
      features: what is in them.
      train_files: trained on.
      num_train_rows: in all of them.
      validation_files: rows of the train split that are not in `train_files`.
      eval_files: the eval split.
    """

    transform_graph_uri: str
    features: Features
    train_files: Sequence[str]
    num_train_rows: int
    validation_files: Sequence[str] = ()
    eval_files: Sequence[str] = ()


def train_variant(
    config: TrainerConfig,
    rows: TrainingRows,
    devices: Devices,
    logs_dir: str | None = None,
    checkpoint_dir: str | None = None,
) -> tuple[Dlrm, TrainingSummary]:
    """Makes a network and trains it, after its teacher if it has one.

    Args:
      config: the variant.
      rows: to train and to evaluate on.
      devices: where.
      logs_dir: as `train`; the teacher's logs lie in a folder below.
      checkpoint_dir: as `train`. What the teacher leaves lies below: a teacher that was trained is
        not trained again.

    Returns:
      the network, made under `devices.scope()`, and what its training took.

    Raises:
      DivergedError: as `train`; also for the teacher.
      InputError: likewise.
    """
    sizes, width = rows.features.vocabulary_sizes, rows.features.dense_width
    with tempfile.TemporaryDirectory() as scratch:
        teaching = None
        if config.distillation.weight:
            if not devices.trains_several:
                raise InputError(f"distillation of {config.variant}: not on TPUs, set device")
            folder = checkpoint_dir or scratch
            teaching = _teach(config, rows, devices, logs_dir, folder)
            gc.collect()  # the teacher's tables are large
        with devices.scope():
            network = make_dlrm(config, sizes, width, devices.make_tables(config))
        summary = train(
            network,
            config,
            rows.train_files,
            rows.num_train_rows,
            validation_files=rows.validation_files,
            eval_files=rows.eval_files,
            devices=devices,
            logs_dir=logs_dir,
            checkpoint_dir=checkpoint_dir,
            frequencies=read_frequencies(config, rows.transform_graph_uri, sizes),
            teaching=teaching,
        )
    return network, summary


def _teach(
    config: TrainerConfig, rows: TrainingRows, devices: Devices, logs_dir: str | None, folder: str
) -> Teaching:
    """Trains the teacher, unless it left its logits already."""
    teaching = find_teaching(os.path.join(folder, _TEACHING))
    if teaching is not None:
        return teaching
    report(f"{config.variant}: training its teacher")
    checkpoints = os.path.join(folder, _TEACHER)
    teacher, summary = train_variant(
        config.teacher_config(),
        rows,
        devices,
        logs_dir and os.path.join(logs_dir, _TEACHER),
        checkpoints,
    )
    report(f"{config.variant}: predictions of its teacher")
    seconds, target = summary.train_seconds, os.path.join(folder, _TEACHING)
    teaching = write_teaching(teacher, config, rows.train_files, devices, seconds, target)
    if tf.io.gfile.exists(checkpoints):
        tf.io.gfile.rmtree(checkpoints)
    return teaching

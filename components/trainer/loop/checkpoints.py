"""Checkpoints: all that a killed training needs to go on exactly where it was."""

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Sequence

import tensorflow as tf

from components.errors import InputError
from components.trainer.config import TrainerConfig
from components.trainer.loop.training_state import TrainingState
from components.trainer.train_step import TrainStep


def checkpoint_folder(
    root: str, config: TrainerConfig, files: Sequence[str], code_version: str
) -> str:
    """Returns the folder under `root` for the checkpoints of one training.

    A run of the step that was killed and its next run have different ids and artifact folders, so
    the name follows from what decides the weights: the configuration, the code, and path, size and
    time of change of each file. Any other training has another folder, and never sees these
    checkpoints.

    Args:
      root: the folder of the checkpoints of all trainings, on any file system that gfile reaches.
      config: of the training.
      files: all that it reads.
      code_version: of the code that runs it.
    """
    stats = [(path, tf.io.gfile.stat(path)) for path in files]
    described = [[path, stat.length, stat.mtime_nsec] for path, stat in stats]
    text = json.dumps([config.to_json(), code_version, described])
    return os.path.join(root, f"{config.variant}-{hashlib.sha256(text.encode()).hexdigest()[:16]}")


class _SavedState(tf.train.experimental.PythonState):
    """A `TrainingState` as one string of a checkpoint, so both are written as one."""

    def __init__(self, state: TrainingState) -> None:
        self.state = state

    def serialize(self) -> str:
        return self.state.model_dump_json()

    def deserialize(self, value: bytes) -> None:
        self.state = TrainingState.model_validate_json(value)


class Checkpoints:
    """Writes the variables and the state of a training now and then, and reads them back.

    Only the newest checkpoint is kept. It counts once it is whole: TensorFlow names it in the file
    `checkpoint` last, and a folder without that file has none. Every worker of a training on
    several machines must write; all but the chief write into a folder that is thrown away.

    Attributes:
      saved_best_step: the best step that the newest checkpoint knows of, or None.
    """

    def __init__(
        self, folder: str | None, step: TrainStep, config: TrainerConfig, is_chief: bool
    ) -> None:
        """Makes no file.

        Args:
          folder: of this training alone; None writes and finds nothing.
          step: holds all variables of the training.
          config: when to write.
          is_chief: whether this worker's files count.
        """
        self._folder = folder
        self._step = step
        self._config = config
        self._scratch = None if is_chief else tempfile.TemporaryDirectory()
        self._written_seconds = time.monotonic()
        self.saved_best_step: int | None = None

    def find(self) -> TrainingState | None:
        """Returns the state of the newest checkpoint, or None without one; reads nothing else.

        Raises:
          InputError: if the checkpoint is damaged.
        """
        saved = _SavedState(TrainingState.model_construct())
        if not self._read(state=saved):
            return None
        self.saved_best_step = saved.state.early_stopping.best_step
        return saved.state

    def restore(self) -> None:
        """Sets the variables, which must exist, to the checkpoint that was found.

        Raises:
          InputError: if it is damaged, or of other variables.
        """
        self._read(step=self._step, state=_SavedState(TrainingState.model_construct()))

    def _read(self, **parts: tf.train.experimental.PythonState | TrainStep) -> bool:
        """Reads these parts of the newest checkpoint, or all of it; whether there is one."""
        path = self._folder and tf.train.latest_checkpoint(self._folder)
        if not path:
            return False
        try:
            status = tf.train.Checkpoint(**parts).restore(path)
            status.assert_consumed() if "step" in parts else status.expect_partial()
        except (tf.errors.OpError, AssertionError, ValueError) as error:
            raise InputError(
                f"{path}: cannot be read as a checkpoint of this training; remove "
                f"{self._folder} to start the training anew: {error}"
            ) from error
        return True

    def next_step(self, step: int) -> int | None:
        """Returns the first step after `step` that a checkpoint follows by number."""
        every = self._config.checkpoint_steps if self._folder else 0
        return (step // every + 1) * every if every else None

    def save_if_due(self, state: TrainingState) -> None:
        """Writes a checkpoint if it is time, then removes the one before it."""
        if not self._is_due(state.step):
            return
        start_seconds = time.monotonic()
        folder = self._scratch.name if self._scratch else self._folder
        checkpoint = tf.train.Checkpoint(step=self._step, state=_SavedState(state))
        manager = tf.train.CheckpointManager(checkpoint, folder, max_to_keep=1)
        manager.save(checkpoint_number=state.step)
        self.saved_best_step = state.early_stopping.best_step
        self._written_seconds = time.monotonic()
        state.checkpoint_seconds += self._written_seconds - start_seconds

    def _is_due(self, step: int) -> bool:
        if not self._folder:
            return False
        every = self._config.checkpoint_steps
        if every and step % every == 0:
            return True
        seconds = self._config.checkpoint_seconds
        if self._config.device == "multi_worker":  # all workers write together, clocks differ
            seconds = 0.0
        return bool(seconds) and time.monotonic() - self._written_seconds >= seconds

"""The weights of the best evaluation of a training."""

import os
import shutil
import tempfile

import tensorflow as tf

from components.trainer.model import Dlrm

_FOLDER = "best"


class BestWeights:
    """Keeps the weights of the best evaluation on disk: tables may be too large for two copies."""

    def __init__(self, folder: str | None, network: Dlrm, is_chief: bool) -> None:
        """Makes no file that counts.

        Args:
          folder: of the checkpoints of this training; None keeps them in a temporary folder.
          network: whose weights they are.
          is_chief: whether this worker's files count.
        """
        self._scratch = None if folder and is_chief else tempfile.mkdtemp()
        self._folder = os.path.join(self._scratch or str(folder), _FOLDER)
        # What this worker wrote before it was killed is gone; the chief's files are the same.
        self._folder_of_chief = os.path.join(folder, _FOLDER) if folder else self._folder
        self._checkpoint = tf.train.Checkpoint(network=network)

    def save(self, step: int, also_kept: int | None) -> None:
        """Writes the weights after `step`.

        Args:
          step: the best one so far.
          also_kept: the weights after this step stay too; all others are removed. A training that
            is killed now goes on where these were the best ones.
        """
        self._checkpoint.write(self._prefix(step))
        kept = {os.path.basename(self._prefix(each)) for each in (step, also_kept)}
        for name in tf.io.gfile.listdir(self._folder):
            if name.partition(".")[0] not in kept:
                path = os.path.join(self._folder, name)
                (tf.io.gfile.rmtree if tf.io.gfile.isdir(path) else tf.io.gfile.remove)(path)

    def restore(self, step: int) -> None:
        """Sets the network to the weights after `step`, which were saved."""
        prefix = self._prefix(step)
        if not tf.io.gfile.exists(f"{prefix}.index"):
            prefix = os.path.join(self._folder_of_chief, os.path.basename(prefix))
        self._checkpoint.read(prefix).assert_consumed()

    def remove_temporary(self) -> None:
        """Removes what lies in a temporary folder."""
        if self._scratch:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _prefix(self, step: int | None) -> str:
        return os.path.join(self._folder, f"after-{step}")

"""What a tuner has found already, so that one that was interrupted goes on from there."""

import hashlib
import os
from collections.abc import Callable
from typing import TypeVar

import tensorflow as tf
from pydantic import BaseModel

from components.files import write_text

ResultT = TypeVar("ResultT", bound=BaseModel)


class Journal:
    """Keeps each result in a file of its own, named by what it is the result of.

    Several machines may share a folder.

    Attributes:
      folder: of the files.
    """

    def __init__(self, folder: str) -> None:
        """Takes a folder, on any file system that gfile reaches; it is made where it is missing.

        Whoever names it sees to it that rows and code are always the same under one name.
        """
        self.folder = folder
        tf.io.gfile.makedirs(folder)

    def recall(
        self, kind: str, key: str, result_class: type[ResultT], compute: Callable[[], ResultT]
    ) -> ResultT:
        """Returns a result from its file, else computes it and writes the file.

        Args:
          kind: of the result; the start of the file's name.
          key: all that decides the result, apart from rows and code.
          result_class: of the result.
          compute: is called where there is no file.
        """
        digest = hashlib.sha256(key.encode()).hexdigest()[:16]
        path = os.path.join(self.folder, f"{kind}-{digest}.json")
        if tf.io.gfile.exists(path):
            with tf.io.gfile.GFile(path) as file:
                return result_class.model_validate_json(file.read())
        result = compute()
        write_text(path, result.model_dump_json())
        return result

    def remove(self) -> None:
        """Removes the folder; no other method may be called after that."""
        tf.io.gfile.rmtree(self.folder)

"""Files written whole or not at all, on any file system that TensorFlow's gfile reaches."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf


class ArrowFile(tf.io.gfile.GFile):
    """A gfile that Arrow can read: Arrow asks an open file for `closed`, which gfile lacks."""

    closed = False


@contextmanager
def replaced_file(path: str, mode: str) -> Iterator[tf.io.gfile.GFile]:
    """Opens a temporary file that takes the place of `path` at the end, and is gone on an error.

    Its name is unique: two workers may try the same work at once.
    """
    temporary = f"{path}.{uuid.uuid4().hex}.tmp"
    try:
        with tf.io.gfile.GFile(temporary, mode) as file:
            file.write(b"" if "b" in mode else "")  # else a file without content is not made
            yield file
        tf.io.gfile.rename(temporary, path, overwrite=True)
    except BaseException:
        if tf.io.gfile.exists(temporary):
            tf.io.gfile.remove(temporary)
        raise


def write_bytes(path: str, content: bytes) -> None:
    """Writes one file; an older one is replaced."""
    with replaced_file(path, "wb") as file:
        file.write(content)


def write_text(path: str, text: str) -> None:
    """Writes one file as `write_bytes` does, in UTF-8."""
    write_bytes(path, text.encode())

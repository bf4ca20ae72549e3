"""Files written whole or not at all, on any file system that TensorFlow's gfile reaches."""

import tensorflow as tf


def write_bytes(path: str, content: bytes) -> None:
    """Writes one file under a temporary name, then renames it; an older file is replaced."""
    temporary = f"{path}.tmp"
    with tf.io.gfile.GFile(temporary, "wb") as file:
        file.write(content)
    tf.io.gfile.rename(temporary, path, overwrite=True)


def write_text(path: str, text: str) -> None:
    """Writes one file as `write_bytes` does, in UTF-8."""
    write_bytes(path, text.encode())

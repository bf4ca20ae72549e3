"""TensorFlow's `ram://` for Beam as well: a place that only a file system's own calls reach.

It stands for gs://, which neither TensorFlow's gfile nor anything else reaches without an account:
code that takes a URI for a path of this machine fails on both. It lives in one process.
"""

import os

import tensorflow as tf
from apache_beam.io.filesystem import (
    BeamIOError,
    CompressionTypes,
    FileMetadata,
    FileSystem,
)


class RamFileSystem(FileSystem):
    """What Beam's transforms ask for, answered by gfile."""

    @classmethod
    def scheme(cls):
        """Returns what URIs begin with; Beam finds the class by it once this module is imported."""
        return "ram"

    def join(self, basepath, *paths):
        """Joins parts of a path."""
        return os.path.join(basepath, *paths)

    def split(self, path):
        """Splits off the last part."""
        return os.path.split(path)

    def mkdirs(self, path):
        """Makes a folder and those above it; Beam wants an error if it is there."""
        if tf.io.gfile.exists(path):
            raise OSError(f"{path} exists")
        tf.io.gfile.makedirs(path)

    def has_dirs(self):
        """Tells that there are folders."""
        return True

    def _list(self, dir_or_prefix):
        for folder, _, names in tf.io.gfile.walk(os.path.split(dir_or_prefix)[0]):
            for name in names:
                path = os.path.join(folder, name)
                if path.startswith(dir_or_prefix):
                    yield self.metadata(path)

    def create(self, path, mime_type="", compression_type=CompressionTypes.AUTO):
        """Opens a file to write bytes."""
        return _file(path, "wb", compression_type)

    def open(self, path, mime_type="", compression_type=CompressionTypes.AUTO):
        """Opens a file to read bytes."""
        return _file(path, "rb", compression_type)

    def copy(self, source_file_names, destination_file_names):
        """Copies files."""
        for source, target in zip(source_file_names, destination_file_names, strict=True):
            tf.io.gfile.copy(source, target, overwrite=True)

    def rename(self, source_file_names, destination_file_names):
        """Renames files."""
        for source, target in zip(source_file_names, destination_file_names, strict=True):
            tf.io.gfile.rename(source, target, overwrite=True)

    def exists(self, path):
        """Tells whether there is such a file or folder."""
        return tf.io.gfile.exists(path)

    def size(self, path):
        """Returns the number of bytes."""
        return tf.io.gfile.stat(path).length

    def last_updated(self, path):
        """Returns the time of the last change, seconds."""
        return tf.io.gfile.stat(path).mtime_nsec / 1e9

    def checksum(self, path):
        """Returns what tells two contents apart."""
        return str(self.size(path))

    def metadata(self, path):
        """Returns size and time."""
        if not tf.io.gfile.exists(path):
            raise BeamIOError(f"no file {path}")
        return FileMetadata(path, self.size(path), self.last_updated(path))

    def delete(self, paths):
        """Removes files and folders."""
        for path in paths:
            (tf.io.gfile.rmtree if tf.io.gfile.isdir(path) else tf.io.gfile.remove)(path)


def _file(path, mode, compression_type):
    assert CompressionTypes.detect_compression_type(path) == CompressionTypes.UNCOMPRESSED
    assert compression_type in (CompressionTypes.AUTO, CompressionTypes.UNCOMPRESSED)
    file = tf.io.gfile.GFile(path, mode)
    file.write(b"") if "w" in mode else None
    return file

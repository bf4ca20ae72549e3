"""The driver: which files the pattern matches now, as part of the cache key."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import tensorflow as tf
from tfx.components.example_gen.driver import FileBasedDriver
from tfx.components.example_gen.input_processor import FileBasedInputProcessor
from tfx.proto import example_gen_pb2, range_config_pb2


class _FilesInputProcessor(FileBasedInputProcessor):
    """Adds each file's name and exact time of change to the fingerprint.

    TFX's own fingerprint has the total size and sums of whole seconds: a file that was rewritten
    within the second, or swapped for another of equal size and time, would pass as unchanged.
    """

    def get_input_fingerprint(self, span: int, version: int | None) -> str:
        files = []
        for split in self._splits:
            pattern = self.get_pattern_for_span_version(split.pattern, span, version)
            for path in sorted(tf.io.gfile.glob(os.path.join(self._input_base_uri, pattern))):
                files.append(f"{path},{tf.io.gfile.stat(path).length},{_changed(path)}")
        digest = hashlib.sha256("\n".join(files).encode()).hexdigest()[:16]
        return f"{super().get_input_fingerprint(span, version)},files:{digest}"


def _changed(path: str) -> int:
    """Returns when the file was changed, nanoseconds; gfile rounds local times to seconds."""
    local = Path(path)
    if local.exists():
        return local.stat().st_mtime_ns
    return int(tf.io.gfile.stat(path).mtime_nsec)


class ClickLogDriver(FileBasedDriver):
    """Resolves `{SPAN}` patterns and fingerprints the files."""

    def get_input_processor(
        self,
        splits: Iterable[example_gen_pb2.Input.Split],
        range_config: range_config_pb2.RangeConfig | None = None,
        input_base_uri: str | None = None,
    ) -> FileBasedInputProcessor:
        """Returns the processor with the exact fingerprint."""
        return _FilesInputProcessor(input_base_uri, splits, range_config)

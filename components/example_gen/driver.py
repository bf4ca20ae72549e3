"""The driver: which files the pattern matches now, as part of the cache key."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
from tfx.components.example_gen.driver import FileBasedDriver
from tfx.components.example_gen.input_processor import FileBasedInputProcessor
from tfx.orchestration import data_types
from tfx.proto import example_gen_pb2, range_config_pb2
from tfx.types import standard_component_specs as specs

from components.errors import InputError
from components.example_gen.config import ExampleGenConfig
from components.example_gen.spans import NO_SPAN, LogFile, find_files


class _WindowProcessor(FileBasedInputProcessor):
    """Finds the files of the window and fingerprints each of them.

    TFX's own processor knows one span, takes all that stands in place of `{SPAN}` for it, and has
    only the total size and sums of whole seconds in its fingerprint: a file that was rewritten
    within the second, or swapped for another of equal size and time, would pass as unchanged.
    """

    def __init__(self, files: Sequence[LogFile], *options: Any) -> None:
        super().__init__(*options)
        self._files = files

    def resolve_span_and_version(self) -> tuple[int, int | None]:
        if not self._files:
            return NO_SPAN, None
        return self._files[-1].span, self._files[-1].version

    def get_pattern_for_span_version(self, pattern: str, span: int, version: int | None) -> str:
        if span == NO_SPAN:
            return pattern
        resolved: str = super().get_pattern_for_span_version(pattern, span, version)
        return resolved

    def get_input_fingerprint(self, span: int, version: int | None) -> str:
        sizes = [tf.io.gfile.stat(file.path).length for file in self._files]
        facts = "\n".join(
            f"{file.path},{file.span},{size},{_changed(file.path)}"
            for file, size in zip(self._files, sizes, strict=True)
        )
        digest = hashlib.sha256(facts.encode()).hexdigest()[:16]
        return f"num_files:{len(sizes)},total_bytes:{sum(sizes)},files:{digest}"


def _changed(path: str) -> int:
    """Returns when the file was changed, nanoseconds; gfile rounds local times to seconds."""
    local = Path(path)
    if local.exists():
        return local.stat().st_mtime_ns
    return int(tf.io.gfile.stat(path).mtime_nsec)


class ClickLogDriver(FileBasedDriver):
    """Resolves the newest span and fingerprints all files of the window.

    Where it finds none, the span is `NO_SPAN`, and the executor looks again and says why: a step
    whose driver raises would stay "running" in ML Metadata for ever.
    """

    def resolve_exec_properties(
        self,
        exec_properties: dict[str, Any],
        pipeline_info: data_types.PipelineInfo,
        component_info: data_types.ComponentInfo,
    ) -> dict[str, Any]:
        """Adds span, version and fingerprint."""
        try:
            self._files = find_files(
                exec_properties[specs.INPUT_BASE_KEY],
                exec_properties["pattern"],
                ExampleGenConfig.from_json(exec_properties["config"]).window_spans,
            )
        except InputError:
            self._files = []
        resolved: dict[str, Any] = super().resolve_exec_properties(
            exec_properties, pipeline_info, component_info
        )
        return resolved

    def get_input_processor(
        self,
        splits: Iterable[example_gen_pb2.Input.Split],
        range_config: range_config_pb2.RangeConfig | None = None,
        input_base_uri: str | None = None,
    ) -> FileBasedInputProcessor:
        """Returns the processor of the files that were found."""
        return _WindowProcessor(self._files, input_base_uri, splits, range_config)

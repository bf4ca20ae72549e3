"""Rejected lines: written by block, then gathered into one file with absolute line numbers."""

import itertools
import json
import os
from collections.abc import Iterable, Sequence

import tensorflow as tf

from components.errors import InputError
from components.example_gen.config import ExampleGenConfig
from components.example_gen.decode import RejectedLine
from components.example_gen.summary import BlockSummary, Summary

REJECTED_ROWS = "rejected_rows.jsonl"
SUMMARY = "summary.json"
_PARTS = "parts"
_FAILED_SUFFIX = "-failed"
_NUM_SHOWN_REJECTED = 20


def write_part(
    quarantine_uri: str, file_index: int, block_index: int, rejected: Sequence[RejectedLine]
) -> None:
    """Writes the rejected lines of one block, if there are any."""
    if not rejected:
        return
    records = ([line.position, line.rejection.reason, _text(line.raw)] for line in rejected)
    tf.io.gfile.makedirs(os.path.join(quarantine_uri, _PARTS))
    path = _part_path(quarantine_uri, file_index, block_index)
    _write(path, (json.dumps(record) + "\n" for record in records))


def merge_parts(quarantine_uri: str, blocks: Iterable[BlockSummary], paths: Sequence[str]) -> None:
    """Writes `rejected_rows.jsonl` in the order of files and lines, and removes the parts.

    Each line is a JSON object with `file`, `line` (from 1), `reason` and `raw`; a byte of `raw`
    that is not UTF-8 is written as a backslash escape.

    Args:
      quarantine_uri: the folder of the artifact.
      blocks: all blocks, in any order.
      paths: the files, in the order of `file_index`.
    """

    def merged() -> Iterable[str]:
        first_line, file_index = 1, 0
        for block in sorted(blocks, key=lambda block: (block.file_index, block.block_index)):
            if block.file_index != file_index:
                first_line, file_index = 1, block.file_index
            if block.rejected:
                part = _part_path(quarantine_uri, file_index, block.block_index)
                with tf.io.gfile.GFile(part) as file:
                    for position, reason, raw in map(json.loads, file):
                        record = {
                            "file": paths[file_index],
                            "line": first_line + position,
                            "reason": reason,
                            "raw": raw,
                        }
                        yield json.dumps(record) + "\n"
            first_line += block.num_lines

    _write(os.path.join(quarantine_uri, REJECTED_ROWS), merged())
    parts = os.path.join(quarantine_uri, _PARTS)
    if tf.io.gfile.exists(parts):
        tf.io.gfile.rmtree(parts)


def write_summary(quarantine_uri: str, summary: Summary) -> None:
    """Writes `summary.json`: lines of each file, rows and clicks of each split, rejected lines."""
    text = json.dumps(summary.to_json_dict(), indent=1) + "\n"
    _write(os.path.join(quarantine_uri, SUMMARY), [text])


def check_bad_rate(quarantine_uri: str, summary: Summary, config: ExampleGenConfig) -> None:
    """Checks the share of rejected lines of a written quarantine.

    Where there are too many, `rejected_rows.jsonl` moves to a folder beside the artifact, named
    like it with `-failed` at the end: TFX removes the artifacts of a step that fails.

    Args:
      quarantine_uri: the folder of the artifact.
      summary: the counts.
      config: gives the limit.

    Raises:
      InputError: if the share is above `max_bad_rate`.
    """
    bad_rate = summary.num_rejected / summary.num_lines
    if bad_rate <= config.max_bad_rate:
        return
    path = _keep_rejected(quarantine_uri)
    with tf.io.gfile.GFile(path) as file:
        first = [json.loads(line) for line in itertools.islice(file, _NUM_SHOWN_REJECTED)]
    shown = "\n".join(f"  {row['file']}:{row['line']}: {row['reason']}" for row in first)
    raise InputError(
        f"{summary.num_rejected:,} of {summary.num_lines:,} lines ({bad_rate:.2%}) are no valid "
        f"rows, max_bad_rate allows {config.max_bad_rate:.2%}. All of them are in {path}. "
        f"The first {len(first)}:\n{shown}"
    )


def _keep_rejected(quarantine_uri: str) -> str:
    """Moves `rejected_rows.jsonl` out of the artifact; returns its new path."""
    folder = quarantine_uri.rstrip("/") + _FAILED_SUFFIX
    path = os.path.join(folder, REJECTED_ROWS)
    tf.io.gfile.makedirs(folder)
    tf.io.gfile.rename(os.path.join(quarantine_uri, REJECTED_ROWS), path, overwrite=True)
    return path


def _part_path(quarantine_uri: str, file_index: int, block_index: int) -> str:
    return os.path.join(quarantine_uri, _PARTS, f"{file_index:05d}-{block_index:06d}.jsonl")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", errors="backslashreplace")


def _write(path: str, texts: Iterable[str]) -> None:
    temporary = f"{path}.tmp"
    with tf.io.gfile.GFile(temporary, "w") as file:
        file.write("")  # Else a file without text is not made at all.
        for text in texts:
            file.write(text)
    tf.io.gfile.rename(temporary, path, overwrite=True)

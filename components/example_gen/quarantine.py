"""Rejected lines: written by block, then gathered into one file with absolute line numbers."""

import itertools
import json
import os
from collections.abc import Iterable, Sequence

import tensorflow as tf

from components.errors import InputError
from components.example_gen.config import ExampleGenConfig
from components.example_gen.decode import RejectedLine
from components.example_gen.summary import BlockSummary, Summary, find_split_problem
from components.files import replaced_file, write_text

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
    write_text(path, "".join(json.dumps(record) + "\n" for record in records))


def remove_parts(quarantine_uri: str) -> None:
    """Removes what `write_part` wrote, if there is any."""
    parts = os.path.join(quarantine_uri, _PARTS)
    if tf.io.gfile.exists(parts):
        tf.io.gfile.rmtree(parts)


def write_quarantine(
    quarantine_uri: str,
    blocks: Iterable[BlockSummary],
    paths: Sequence[str],
    first_lines: Sequence[int],
    summary: Summary,
) -> None:
    """Writes `rejected_rows.jsonl` and `summary.json`, and removes the parts.

    Rejected lines stand in the order of files and lines. Each is a JSON object with `file`,
    `line`, `reason` and `raw`; a byte of `raw` that is not UTF-8 is written as a backslash escape.

    Args:
      quarantine_uri: the folder of the artifact.
      blocks: all blocks, in any order.
      paths: the files, in the order of `file_index`.
      first_lines: for each file, the number of its first line that may be a row.
      summary: the counts.
    """
    _write_lines(
        os.path.join(quarantine_uri, REJECTED_ROWS),
        _merged(quarantine_uri, blocks, paths, first_lines),
    )
    text = json.dumps(summary.to_json_dict(), indent=1) + "\n"
    write_text(os.path.join(quarantine_uri, SUMMARY), text)
    remove_parts(quarantine_uri)


def _merged(
    quarantine_uri: str,
    blocks: Iterable[BlockSummary],
    paths: Sequence[str],
    first_lines: Sequence[int],
) -> Iterable[str]:
    line, file_index = 0, -1
    for block in sorted(blocks, key=lambda block: block.place):
        if block.file_index != file_index:
            file_index = block.file_index
            line = first_lines[file_index]
        if block.rejected:
            part = _part_path(quarantine_uri, file_index, block.block_index)
            with tf.io.gfile.GFile(part) as file:
                for position, reason, raw in map(json.loads, file):
                    record = {
                        "file": paths[file_index],
                        "line": line + position,
                        "reason": reason,
                        "raw": raw,
                    }
                    yield json.dumps(record) + "\n"
        line += block.num_lines


def check_bad_rate(quarantine_uri: str, summary: Summary, config: ExampleGenConfig) -> None:
    """Checks the share of rejected lines of a written quarantine.

    Where there are too many, the quarantine moves to a folder beside the artifact, named like it
    with `-failed` at the end: TFX removes the artifacts of a step that fails.

    Args:
      quarantine_uri: the folder of the artifact.
      summary: the counts.
      config: gives the limit.

    Raises:
      InputError: if the share is above `max_bad_rate`.
    """
    if summary.bad_rate <= config.max_bad_rate:
        return
    path = _keep(quarantine_uri)
    with tf.io.gfile.GFile(path) as file:
        first = [json.loads(line) for line in itertools.islice(file, _NUM_SHOWN_REJECTED)]
    shown = "\n".join(f"  {row['file']}:{row['line']}: {row['reason']}" for row in first)
    raise InputError(
        f"{_rejected(summary)} are no valid rows, max_bad_rate allows {config.max_bad_rate:.2%}. "
        f"All of them are in {path}. The first {len(first)}:\n{shown}"
    )


def check_splits(quarantine_uri: str, summary: Summary, config: ExampleGenConfig) -> None:
    """Checks that both splits can be learned from.

    Where one cannot and lines were rejected, the quarantine is kept as by `check_bad_rate`.

    Args:
      quarantine_uri: the folder of the artifact.
      summary: the counts.
      config: the settings, for the message.

    Raises:
      InputError: if a split has no row or rows of one label only.
    """
    problem = find_split_problem(summary, config)
    if problem and summary.num_rejected:
        path = _keep(quarantine_uri)
        problem += f". {_rejected(summary)} were rejected, they are in {path}"
    if problem:
        raise InputError(problem)


def _rejected(summary: Summary) -> str:
    return f"{summary.num_rejected:,} of {summary.num_lines:,} lines ({summary.bad_rate:.2%})"


def _keep(quarantine_uri: str) -> str:
    """Moves the quarantine out of the artifact; returns the new path of the rejected lines."""
    folder = quarantine_uri.rstrip("/") + _FAILED_SUFFIX
    tf.io.gfile.makedirs(folder)
    for name in (SUMMARY, REJECTED_ROWS):
        source, target = os.path.join(quarantine_uri, name), os.path.join(folder, name)
        tf.io.gfile.rename(source, target, overwrite=True)
    return target


def _part_path(quarantine_uri: str, file_index: int, block_index: int) -> str:
    return os.path.join(quarantine_uri, _PARTS, f"{file_index:05d}-{block_index:06d}.jsonl")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", errors="backslashreplace")


def _write_lines(path: str, lines: Iterable[str]) -> None:
    """Writes one file, whole or not at all, that need not fit into memory."""
    with replaced_file(path, "w") as file:
        for line in lines:
            file.write(line)

"""The raw rows that both models predict: a run's eval split, or a log."""

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from components.errors import InputError
from components.example_gen.config import ExampleGenConfig
from components.example_gen.decode import RejectedLine
from components.example_gen.read import decode_range, plan_ranges
from components.example_gen.spans import find_files
from components.parquet import SUFFIX, list_files, write_table
from components.progress import report
from pipeline.compare.chosen import ChosenModel
from schemas.click_log import EVAL_SPLIT, LABEL, WEIGHT, ClickLog, raw_arrow_schema

# The folder of a split in TFX's Examples artifact.
_SPLIT_FOLDER = f"Split-{EVAL_SPLIT}"


class DecodedLog(NamedTuple):
    """A log as Parquet files.

    Attributes:
      files: path -> number of lines of each file of the log.
      num_rejected: lines that are no rows.
    """

    files: dict[str, int]
    num_rejected: int


def check_same_columns(logs: Mapping[str, ClickLog]) -> None:
    """Checks that the raw rows of two logs have the same features.

    Args:
      logs: two layouts, by the names that an error gives them.

    Raises:
      InputError: if a feature is in one of the logs only, or has another type there.
    """
    (name_a, a), (name_b, b) = ((name, _types(click_log)) for name, click_log in logs.items())
    others = [f"{name} ({a[name]}, {b[name]})" for name in a if b.get(name, a[name]) != a[name]]
    found = {
        f"only in {name_a}": [name for name in a if name not in b],
        f"only in {name_b}": [name for name in b if name not in a],
        "of another type": others,
    }
    problems = [f"{', '.join(names)} {where}" for where, names in found.items() if names]
    if problems:
        raise InputError(
            f"{name_a} and {name_b} have different raw columns, so no rows suit both: "
            + "; ".join(problems)
        )


def _types(click_log: ClickLog) -> dict[str, str]:
    """Returns feature -> type; a model reads neither the label nor the weight."""
    schema = raw_arrow_schema(click_log)
    features = [name for name in schema.names if name not in (LABEL, WEIGHT)]
    return {name: str(schema.field(name).type) for name in features}


def eval_files(chosen: ChosenModel) -> list[str]:
    """Returns the files of a run's raw eval rows.

    Raises:
      InputError: if they are gone.
    """
    try:
        return list_files(eval_uri(chosen))
    except FileNotFoundError as error:
        raise InputError(
            f"--root {chosen.root}: the eval rows of run {chosen.run.id} are gone: {error}"
        ) from error


def eval_uri(chosen: ChosenModel) -> str:
    """Returns the folder of a run's raw eval rows."""
    return os.path.join(chosen.examples.uri, _SPLIT_FOLDER)


def decode_log(
    pattern: str, click_log: ClickLog, output_dir: str, config: ExampleGenConfig
) -> DecodedLog:
    """Writes all rows of a log as Parquet files, in the order of files and lines.

    Args:
      pattern: of the files; of one with `{SPAN}` the newest span.
      click_log: the layout of the files.
      output_dir: an existing folder.
      config: `block_bytes` and `max_bad_rate`.

    Raises:
      InputError: if no file matches, one cannot be read, more lines than `max_bad_rate` are no
        rows, or none is one.
    """
    paths = [file.path for file in find_files("", pattern)]
    num_lines = dict.fromkeys(paths, 0)
    rejected: list[tuple[str, RejectedLine]] = []
    num_rows = 0
    for block_range in plan_ranges(paths, click_log, config.block_bytes):
        path = block_range.path
        for index, block in decode_range(block_range, click_log, config.block_bytes):
            num_lines[path] += block.num_lines
            rejected += [(path, line) for line in block.rejected]
            num_rows += block.table.num_rows
            report(f"read {num_rows:,} rows")
            if block.table.num_rows:
                name = f"block-{block_range.file_index:05}-{index:06}{SUFFIX}"
                write_table(block.table, os.path.join(output_dir, name))
    _check_rejected(rejected, sum(num_lines.values()), num_rows, config)
    return DecodedLog(num_lines, len(rejected))


def _check_rejected(
    rejected: Sequence[tuple[str, RejectedLine]],
    num_lines: int,
    num_rows: int,
    config: ExampleGenConfig,
) -> None:
    if num_rows and len(rejected) <= config.max_bad_rate * num_lines:
        return
    path, line = rejected[0]
    raise InputError(
        f"--data: {len(rejected):,} of {num_lines:,} lines are no rows, expected at most "
        f"{config.max_bad_rate:.1%}; the first, in {path}: {line.rejection.reason}"
    )

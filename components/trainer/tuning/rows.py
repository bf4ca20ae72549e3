"""The rows that a tuner works on: all of them from the train split."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from components import parquet
from components.errors import InputError
from components.features import Features, read_features
from components.trainer.data import count_rows
from components.trainer.loop.validation_rows import hold_out_last_rows
from components.trainer.tuning.config import TunerConfig

_MIN_ROWS = 20


@dataclass(frozen=True)
class TuningRows:
    """Transformed Parquet files by what they are for.

    Attributes:
      transform_graph_uri: the folder of the graph that transformed them.
      features: what is in them.
      train_files: trained on.
      held_out_files: later rows, which are only evaluated on.
      num_train_rows: in `train_files`.
      num_held_out_rows: in `held_out_files`.
      folder: on this machine, for whatever is written on the way.
    """

    transform_graph_uri: str
    features: Features
    train_files: tuple[str, ...]
    held_out_files: tuple[str, ...]
    num_train_rows: int
    num_held_out_rows: int
    folder: str


def hold_out_rows(
    files: Sequence[str], transform_graph_uri: str, config: TunerConfig, folder: str
) -> TuningRows:
    """Takes the last rows of a train split, and holds the last of these out.

    Args:
      files: transformed Parquet files of the train split, in the order of the log.
      transform_graph_uri: the folder of the graph that transformed them.
      config: says how many rows.
      folder: an empty one on this machine.

    Raises:
      InputError: if there are too few rows, or a part has rows of one class only.
    """
    num_rows = sum(map(parquet.count_rows, files))
    num_used = min(num_rows, config.max_rows or num_rows)
    num_held_out = round(config.held_out_fraction * num_used)
    if num_used < _MIN_ROWS or not 0 < num_held_out < num_used:
        raise InputError(
            f"tuner: expected at least {_MIN_ROWS} rows of the train split, on both sides of "
            f"tuner.held_out_fraction {config.held_out_fraction}; {len(files)} files from "
            f"{files[0]} on hold {num_rows} rows, of which max_rows leaves {num_used}"
        )
    if num_used < num_rows:
        files = hold_out_last_rows(files, num_used / num_rows, _subfolder(folder, "used"))[1]
    train, held_out = hold_out_last_rows(
        files, config.held_out_fraction, _subfolder(folder, "held_out")
    )
    return TuningRows(
        transform_graph_uri=transform_graph_uri,
        features=read_features(transform_graph_uri),
        train_files=tuple(train),
        held_out_files=tuple(held_out),
        num_train_rows=count_rows(train),
        num_held_out_rows=count_rows(held_out),
        folder=folder,
    )


def write_first_rows(files: Sequence[str], num_rows: int, path: str) -> None:
    """Writes the first rows of Parquet files, at most `num_rows`, into one file."""
    tables: list[pa.Table] = []
    for file in files:
        missing = num_rows - sum(table.num_rows for table in tables)
        if not missing:
            break
        tables.append(parquet.read_table(file).slice(0, missing))
    parquet.write_table(pa.concat_tables(tables), path)


def _subfolder(folder: str, name: str) -> str:
    path = Path(folder, name)
    path.mkdir()
    return str(path)

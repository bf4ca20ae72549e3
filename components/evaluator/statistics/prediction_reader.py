"""Columns of the predictions, read into memory."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from components.files import ArrowFile
from components.id_counts import BANDS
from components.parquet import read_table
from schemas.click_log import LABEL, WEIGHT
from schemas.predictions import slice_column, slice_keys_of

_DIGITS = re.compile(r"([0-9]+)")


def read_slice_keys(path: str) -> list[str]:
    """Returns the slice keys of a file of predictions, in natural order."""
    with ArrowFile(path, "rb") as file:
        return natural_order(slice_keys_of(pq.ParquetFile(pa.PythonFile(file, "r")).schema.names))


class EvalRows(NamedTuple):
    """The eval rows, without what was predicted of them.

    Attributes:
      is_click: bool `[num_rows]`.
      weights: float64 `[num_rows]`; None where the rows have none.
    """

    is_click: np.ndarray
    weights: np.ndarray | None


def read_columns(files: Sequence[str], names: Sequence[str]) -> pa.Table:
    """Returns columns of all files, in the order of the rows; those that there are."""
    return pa.concat_tables([read_table(path, columns=list(names)) for path in files])


def read_rows(files: Sequence[str], replicas: Sequence[str]) -> tuple[EvalRows, list[np.ndarray]]:
    """Returns the rows and the replicas' click probabilities, each float32 `[num_rows]`."""
    table = read_columns(files, [LABEL, WEIGHT, *replicas])
    weights = None
    if WEIGHT in table.column_names:
        weights = table[WEIGHT].to_numpy().astype(np.float64)
    rows = EvalRows(table[LABEL].to_numpy() == 1, weights)
    return rows, [table[name].to_numpy() for name in replicas]


def read_predictions(files: Sequence[str], replicas: Sequence[str]) -> list[np.ndarray]:
    """Returns the replicas' click probabilities, each float32 `[num_rows]`."""
    table = read_columns(files, replicas)
    return [table[name].to_numpy() for name in replicas]


def read_slices(files: Sequence[str], key: str) -> tuple[np.ndarray, list[str]]:
    """Returns the slices of one key.

    Returns:
      int64 `[num_rows]`, each row's position among the values, -1 for a row in no slice; and the
      values that occur, in `value_order`.
    """
    name = slice_column(key)
    column = read_columns(files, [name])[name].unify_dictionaries().combine_chunks()
    chunk = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    indices = pc.fill_null(chunk.indices, -1).to_numpy().astype(np.int64)
    labels = chunk.dictionary.to_pylist()
    occurs = np.bincount(indices[indices >= 0], minlength=len(labels)) > 0
    values = value_order(label for label, found in zip(labels, occurs, strict=True) if found)
    positions = {value: position for position, value in enumerate(values)}
    places = np.array([positions.get(label, -1) for label in labels] + [-1], np.int64)
    return places[indices], values


def value_order(values: Iterable[str]) -> list[str]:
    """Returns the values of a key: frequency bands from the head on, others in natural order."""
    found = set(values)
    if found <= set(BANDS):
        return [band for band in reversed(BANDS) if band in found]
    return natural_order(found)


def natural_order(names: Iterable[str]) -> list[str]:
    """Returns names as people sort them: `C2` before `C10`."""

    def key(name: str) -> tuple[list[tuple[int, str]], str]:
        parts = _DIGITS.split(name)
        return [(int(part), "") if i % 2 else (0, part) for i, part in enumerate(parts)], name

    return sorted(names, key=key)

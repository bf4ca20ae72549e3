"""Columns of the predictions, read into memory one at a time."""

import re
from collections.abc import Iterable, Sequence

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


def read_column(files: Sequence[str], name: str) -> pa.ChunkedArray:
    """Returns one column of all files, in the order of the rows."""
    return pa.concat_tables([read_table(path, columns=[name]) for path in files])[name]


def read_labels(files: Sequence[str]) -> np.ndarray:
    """Returns whether each row is a click, bool `[num_rows]`."""
    return read_column(files, LABEL).to_numpy() == 1


def read_weights(files: Sequence[str]) -> np.ndarray | None:
    """Returns the weights of the rows, float64 `[num_rows]`; None where they have none."""
    parts = [read_table(path, columns=[WEIGHT]) for path in files]
    if WEIGHT not in parts[0].column_names:
        return None
    return pa.concat_tables(parts)[WEIGHT].to_numpy().astype(np.float64)


def read_predictions(files: Sequence[str], replica: str) -> np.ndarray:
    """Returns a replica's click probabilities, float32 `[num_rows]`."""
    return read_column(files, replica).to_numpy()


def read_slices(files: Sequence[str], key: str) -> tuple[np.ndarray, list[str]]:
    """Returns the slices of one key.

    Returns:
      int64 `[num_rows]`, each row's position among the values, -1 for a row in no slice; and the
      values that occur, in `value_order`.
    """
    column = read_column(files, slice_column(key)).unify_dictionaries().combine_chunks()
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

"""Transformed Parquet files as shuffled batches, without a Python step per row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import tensorflow as tf

from components.errors import InputError
from components.parquet import SUFFIX, read_table
from schemas.click_log import LABEL, WEIGHT
from schemas.transformed import CATEGORICAL, DENSE

_PREFETCHED_BATCHES = 8
_CHUNK_ROWS = 65_536
_SAMPLED_FILES = 16


@dataclass(frozen=True)
class Rows:
    """Transformed rows in memory.

    Attributes:
      dense: float32 `[num_rows, dense_width]`; the width is 0 where the rows have no dense feature.
      categorical: int32 or int64 `[num_rows, num_features]`.
      label: float32 `[num_rows]`.
      weight: float32 `[num_rows]`; None where the log has no weights.
    """

    dense: np.ndarray
    categorical: np.ndarray
    label: np.ndarray
    weight: np.ndarray | None = None

    def take(self, order: np.ndarray) -> "Rows":
        """Returns the rows at the positions `order`, int64 `[num_taken]`."""
        weight = None if self.weight is None else self.weight[order]
        return Rows(self.dense[order], self.categorical[order], self.label[order], weight)

    @staticmethod
    def concatenated(parts: Sequence["Rows"]) -> "Rows":
        """Returns the rows of all parts, at least one; all of them have weights, or none has."""
        weights = [rows.weight for rows in parts if rows.weight is not None]
        return Rows(
            np.concatenate([rows.dense for rows in parts]),
            np.concatenate([rows.categorical for rows in parts]),
            np.concatenate([rows.label for rows in parts]),
            np.concatenate(weights) if weights else None,
        )


def find_files(patterns: Sequence[str]) -> list[str]:
    """Returns the Parquet files that match any of `patterns`, in name order.

    Raises:
      FileNotFoundError: if there is none.
    """
    found = {path for pattern in patterns for path in tf.io.gfile.glob(pattern)}
    files = sorted(path for path in found if path.endswith(SUFFIX))
    if not files:
        raise FileNotFoundError(f"no {SUFFIX} file matches {', '.join(patterns)}")
    return files


def count_rows(files: Sequence[str]) -> int:
    """Returns the number of rows in `files`; reads their labels only.

    Raises:
      InputError: if a label is missing from the rows: a model cannot be trained or judged on one
        class.
    """
    num_rows = num_clicks = 0
    for path in files:
        label = read_table(path, columns=[LABEL])[LABEL].to_numpy()
        num_rows += len(label)
        num_clicks += int(np.count_nonzero(label))
    if num_clicks in (0, num_rows):
        raise InputError(
            f"{files[0]} and the {len(files) - 1} other files of its split: expected rows of both "
            f"labels, received {num_rows:,} rows with {num_clicks:,} clicks"
        )
    return num_rows


def evenly_spread(files: Sequence[str]) -> list[str]:
    """Returns up to 16 of the files, evenly over the list: a look at a split of any size."""
    places = np.linspace(0, len(files) - 1, _SAMPLED_FILES).round().astype(int)
    return [files[place] for place in np.unique(places)]


def read_labels(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Reads labels and weights of one file, both float32 `[num_rows]`; without weights, ones."""
    table = read_table(path, columns=[LABEL, WEIGHT])
    label = table[LABEL].to_numpy()
    is_weighted = WEIGHT in table.column_names
    return label, table[WEIGHT].to_numpy() if is_weighted else np.ones_like(label)


def read_rows(path: str) -> Rows:
    """Reads one file into memory."""
    table = read_table(path).combine_chunks()
    label = table[LABEL].to_numpy()
    no_dense = np.empty((len(label), 0), np.float32)
    dense = _matrix(table[DENSE]) if DENSE in table.column_names else no_dense
    weight = table[WEIGHT].to_numpy() if WEIGHT in table.column_names else None
    return Rows(dense, _matrix(table[CATEGORICAL]), label, weight)


def _matrix(column: pa.ChunkedArray) -> np.ndarray:
    """Returns a column of fixed-size lists as `[num_rows, width]`."""
    width = column.type.list_size
    parts = [chunk.flatten().to_numpy().reshape(-1, width) for chunk in column.iterchunks()]
    return np.concatenate(parts) if parts else np.empty((0, width))


def iterate_chunks(
    files: Sequence[str],
    chunk_rows: int,
    window_rows: int,
    rng: np.random.Generator | None,
) -> Iterator[Rows]:
    """Yields chunks of `chunk_rows` rows; the last one has what is left.

    Files are read whole until `window_rows` rows are in memory; these are shuffled together, and
    what does not fill a chunk joins the next window.

    Args:
      files: transformed Parquet files.
      chunk_rows: rows a chunk.
      window_rows: rows held in memory, at least; one file more can be.
      rng: shuffles the files and the rows; None keeps their order.
    """
    order = np.arange(len(files)) if rng is None else rng.permutation(len(files))
    pending: list[Rows] = []
    for position, index in enumerate(order, start=1):
        pending.append(read_rows(files[index]))
        is_last = position == len(order)
        num_rows = sum(len(rows.label) for rows in pending)
        if num_rows < window_rows and not is_last:
            continue
        window = Rows.concatenated(pending)
        rows_order = np.arange(num_rows) if rng is None else rng.permutation(num_rows)
        end = num_rows if is_last else num_rows - num_rows % chunk_rows
        for start in range(0, end, chunk_rows):
            yield window.take(rows_order[start : min(start + chunk_rows, end)])
        pending = [window.take(rows_order[end:])]


def make_dataset(
    files: Sequence[str],
    batch_size: int,
    window_rows: int,
    seed: tuple[int, ...] | None = None,
) -> tf.data.Dataset:
    """Returns the rows in batches of equal size, prefetched by a thread of their own.

    A row's weight is that of the log, 1 where it has none. The last batch is filled up with copies
    of its last row that have the weight 0. So a step is compiled for one shape, and each row counts
    as it should.

    Args:
      files: transformed Parquet files.
      batch_size: rows a batch.
      window_rows: rows that are held in memory and shuffled together.
      seed: shuffles; None keeps the order.

    Returns:
      elements `({DENSE: float32 [batch, dense_width], CATEGORICAL: integer [batch, num_features]},
      label, weight)`, the last two float32 `[batch]`.
    """
    first = read_rows(files[0])
    categorical_type = tf.as_dtype(first.categorical.dtype)
    # Chunks of batches: Python is entered once for many of them.
    num_batches = max(1, _CHUNK_ROWS // batch_size)
    shape = [None, batch_size]
    spec = (
        {
            DENSE: tf.TensorSpec([*shape, first.dense.shape[1]], tf.float32),
            CATEGORICAL: tf.TensorSpec([*shape, first.categorical.shape[1]], categorical_type),
        },
        tf.TensorSpec(shape, tf.float32),
        tf.TensorSpec(shape, tf.float32),
    )

    def generate() -> Iterator[tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]]:
        rng = None if seed is None else np.random.default_rng(seed)
        for rows in iterate_chunks(files, num_batches * batch_size, window_rows, rng):
            yield _as_batches(rows, batch_size)

    chunks = tf.data.Dataset.from_generator(generate, output_signature=spec)
    return chunks.flat_map(lambda *chunk: tf.data.Dataset.from_tensor_slices(chunk)).prefetch(
        _PREFETCHED_BATCHES
    )


def _as_batches(
    rows: Rows, batch_size: int
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Returns features, label and weight with the shape `[num_batches, batch_size, ...]`."""
    num_rows = len(rows.label)
    num_batches = -(-num_rows // batch_size)
    weight = np.ones(num_rows, np.float32) if rows.weight is None else rows.weight
    if padding := num_batches * batch_size - num_rows:
        rows = rows.take(np.minimum(np.arange(num_rows + padding), num_rows - 1))
        weight = np.append(weight, np.zeros(padding, np.float32))
    split = (num_batches, batch_size)
    features = {
        DENSE: rows.dense.reshape(*split, rows.dense.shape[1]),
        CATEGORICAL: rows.categorical.reshape(*split, rows.categorical.shape[1]),
    }
    return features, rows.label.reshape(split), weight.reshape(split)

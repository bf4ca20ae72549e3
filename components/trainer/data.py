"""Transformed Parquet files as shuffled batches, without a Python step per row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa
import tensorflow as tf

from components.errors import InputError
from components.parquet import SUFFIX, read_table
from components.trainer.curriculum import Curriculum
from schemas.click_log import LABEL, WEIGHT
from schemas.transformed import CATEGORICAL, DENSE

# A feature, and the column of the files that hold it: what a teacher says of the row.
TEACHER_LOGIT = "teacher_logit"

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
      teacher_logit: float32 `[num_rows]`; None without a teacher.
    """

    dense: np.ndarray
    categorical: np.ndarray
    label: np.ndarray
    weight: np.ndarray | None = None
    teacher_logit: np.ndarray | None = None

    def take(self, order: np.ndarray) -> "Rows":
        """Returns the rows at the positions `order`, int64 `[num_taken]`."""
        optional = [c if c is None else c[order] for c in (self.weight, self.teacher_logit)]
        return Rows(self.dense[order], self.categorical[order], self.label[order], *optional)

    @staticmethod
    def concatenated(parts: Sequence["Rows"]) -> "Rows":
        """Returns the rows of all parts, at least one; all of them have a column, or none has."""

        def join(columns: list[Any]) -> Any:
            return None if columns[0] is None else np.concatenate(columns)

        return Rows(*(join([getattr(p, field.name) for p in parts]) for field in fields(Rows)))


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


def read_rows(path: str, teacher_path: str | None = None) -> Rows:
    """Reads one file into memory.

    Args:
      path: the file.
      teacher_path: of the file with the teacher's logits of its rows.
    """
    table = read_table(path).combine_chunks()
    label = table[LABEL].to_numpy()
    no_dense = np.empty((len(label), 0), np.float32)
    dense = _matrix(table[DENSE]) if DENSE in table.column_names else no_dense
    weight = table[WEIGHT].to_numpy() if WEIGHT in table.column_names else None
    logit = None
    if teacher_path is not None:
        logit = read_table(teacher_path)[TEACHER_LOGIT].to_numpy()
        if len(logit) != len(label):
            raise InputError(
                f"{teacher_path}: expected a logit for each of the {len(label):,} rows of {path}, "
                f"received {len(logit):,}"
            )
    return Rows(dense, _matrix(table[CATEGORICAL]), label, weight, logit)


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
    teacher_files: Sequence[str] = (),
    curriculum: Curriculum | None = None,
) -> Iterator[Rows]:
    """Yields chunks of `chunk_rows` rows; the last one has what is left.

    Files are read whole until `window_rows` rows are in memory; these are shuffled together, and
    what does not fill a chunk joins the next window.

    Args:
      files: transformed Parquet files.
      chunk_rows: rows a chunk.
      window_rows: rows held in memory, at least; one file more can be.
      rng: shuffles the files and the rows; None keeps their order.
      teacher_files: for each file the one with the teacher's logits; empty without a teacher.
      curriculum: the order of the first rows; needs `rng`.
    """
    num_before = 0
    order = np.arange(len(files)) if rng is None else rng.permutation(len(files))
    pending: list[Rows] = []
    for position, index in enumerate(order, start=1):
        teacher_path = teacher_files[index] if teacher_files else None
        pending.append(read_rows(files[index], teacher_path))
        is_last = position == len(order)
        num_rows = sum(len(rows.label) for rows in pending)
        if num_rows < window_rows and not is_last:
            continue
        window = Rows.concatenated(pending)
        rows_order = _order_of_window(window, num_before, rng, curriculum)
        end = num_rows if is_last else num_rows - num_rows % chunk_rows
        for start in range(0, end, chunk_rows):
            yield window.take(rows_order[start : min(start + chunk_rows, end)])
        pending = [window.take(rows_order[end:])]
        num_before += end


def _order_of_window(
    window: Rows, num_before: int, rng: np.random.Generator | None, curriculum: Curriculum | None
) -> np.ndarray:
    num_rows = len(window.label)
    if rng is None:
        return np.arange(num_rows)
    if curriculum is None:
        return rng.permutation(num_rows)
    return curriculum.order(window.categorical, num_before, rng)


def make_dataset(
    files: Sequence[str],
    batch_size: int,
    window_rows: int,
    seed: tuple[int, ...] | None = None,
    teacher_files: Sequence[str] = (),
    curriculum: Curriculum | None = None,
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
      teacher_files: as `iterate_chunks`; their logits are the feature `TEACHER_LOGIT`.
      curriculum: as `iterate_chunks`.

    Returns:
      elements `({DENSE: float32 [batch, dense_width], CATEGORICAL: integer [batch, num_features]},
      label, weight)`, the last two float32 `[batch]`.
    """
    first = read_rows(files[0])
    categorical_type = tf.as_dtype(first.categorical.dtype)
    # Chunks of batches: Python is entered once for many of them.
    num_batches = max(1, _CHUNK_ROWS // batch_size)
    shape = [None, batch_size]
    features = {
        DENSE: tf.TensorSpec([*shape, first.dense.shape[1]], tf.float32),
        CATEGORICAL: tf.TensorSpec([*shape, first.categorical.shape[1]], categorical_type),
    }
    if teacher_files:
        features[TEACHER_LOGIT] = tf.TensorSpec(shape, tf.float32)
    spec = (
        features,
        tf.TensorSpec(shape, tf.float32),
        tf.TensorSpec(shape, tf.float32),
    )

    def generate() -> Iterator[tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]]:
        rng = None if seed is None else np.random.default_rng(seed)
        own = (window_rows, rng, teacher_files, curriculum)
        for rows in iterate_chunks(files, num_batches * batch_size, *own):
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
    if rows.teacher_logit is not None:
        features[TEACHER_LOGIT] = rows.teacher_logit.reshape(split)
    return features, rows.label.reshape(split), weight.reshape(split)

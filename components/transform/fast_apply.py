"""The preprocessing applied to whole files, column by column.

It runs the operations of the transform graph, but on each distinct value of a column instead of
on each row: looking strings up is what the graph's time goes to, and the raw files hold each
column as its distinct values and their positions.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf

from components.raw_tensors import raw_tensors
from components.transform.categorical_ids import make_table
from components.transform.preprocessing import Preprocessing
from schemas.click_log import LABEL, WEIGHT, raw_feature_spec
from schemas.transformed import CATEGORICAL, DENSE, MISSING_ID


class _Chunk(NamedTuple):
    """A part of a categorical column: distinct values, and the position of each row's among them.

    The position of a missing value is the number of distinct values.
    """

    column: int
    first_row: int
    distinct: pa.Array
    positions: np.ndarray


class FastApply:
    """The preprocessing, loaded; one serves all threads of a process."""

    def __init__(self, preprocessing: Preprocessing) -> None:
        """Loads the vocabulary."""
        self._click_log = preprocessing.click_log
        self._sizes = list(preprocessing.features.vocabulary_sizes.values())
        self._first_counts = np.cumsum([0, *self._sizes])
        path = preprocessing.vocabulary_path
        lookup = make_table(path).lookup if path else None

        def find_ids(values: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
            return preprocessing.ids(values, columns, lookup)

        signature = [tf.TensorSpec([None], tf.string), tf.TensorSpec([None], tf.int64)]
        self._find_ids = tf.function(find_ids, signature, autograph=False)
        self._dense = None
        if preprocessing.dense is not None:
            spec = raw_feature_spec(self._click_log)
            names = self._click_log.dense_features
            inputs = {name: tf.TensorSpec([None], spec[name].dtype) for name in names}
            self._dense = tf.function(preprocessing.dense, [inputs], autograph=False)

    def __call__(self, rows: pa.Table, counts: np.ndarray | None = None) -> pa.Table:
        """Transforms rows; the values are those of the transform graph, bit by bit.

        Args:
          rows: columns as in `schemas.click_log.raw_arrow_schema`; categorical ones may be
            dictionary-encoded.
          counts: int64, one for each id of each transformed categorical feature, feature after
            feature; how often each id occurs in the rows is added.

        Returns:
          `DENSE` (fixed-size list of float32; left out where the log has no numeric feature),
          `CATEGORICAL` (fixed-size list of int32), the label (float32) and, where the log has
          weights, the weight (float32).
        """
        categorical = np.empty([rows.num_rows, len(self._sizes)], np.int32)
        self._fill_ids(rows, categorical, counts)
        columns = {}
        if self._dense is not None:
            raw = raw_tensors(rows.select(self._click_log.dense_features))
            dense, buckets = self._dense({name: tf.constant(raw[name]) for name in raw})
            columns[DENSE] = _lists(dense.numpy())
            self._fill_buckets(buckets.numpy(), categorical, counts)
        columns[CATEGORICAL] = _lists(categorical)
        columns[LABEL] = rows[LABEL].combine_chunks().cast(pa.float32())
        if self._click_log.weight:
            columns[WEIGHT] = rows[WEIGHT]
        return pa.table(columns)

    def _fill_ids(self, rows: pa.Table, categorical: np.ndarray, counts: np.ndarray | None) -> None:
        chunks = self._chunks(rows)
        for chunk, ids in zip(chunks, self._distinct_ids(chunks), strict=True):
            end_row = chunk.first_row + len(chunk.positions)
            categorical[chunk.first_row : end_row, chunk.column] = ids[chunk.positions]
            if counts is not None:
                num_rows = np.bincount(chunk.positions, minlength=len(ids))
                np.add.at(counts, self._first_counts[chunk.column] + ids, num_rows)

    def _fill_buckets(
        self, buckets: np.ndarray, categorical: np.ndarray, counts: np.ndarray | None
    ) -> None:
        first_column = categorical.shape[1] - buckets.shape[1]
        categorical[:, first_column:] = buckets
        for column, ids in enumerate(buckets.T, start=first_column):
            if counts is not None:
                first, end = self._first_counts[column : column + 2]
                counts[first:end] += np.bincount(ids, minlength=end - first)

    def _chunks(self, rows: pa.Table) -> list[_Chunk]:
        chunks = []
        for column, name in enumerate(self._click_log.categorical_features):
            first_row = 0
            for part in rows[name].chunks:
                if not pa.types.is_dictionary(part.type):
                    part = part.dictionary_encode()
                positions = pc.fill_null(part.indices, len(part.dictionary)).to_numpy()
                chunks.append(_Chunk(column, first_row, part.dictionary, positions))
                first_row += len(part)
        return chunks

    def _distinct_ids(self, chunks: Sequence[_Chunk]) -> list[np.ndarray]:
        """Returns for each chunk the ids of its distinct values, then `MISSING_ID`; int32."""
        lengths = [len(chunk.distinct) for chunk in chunks]
        if not chunks:
            return []
        values = pa.concat_arrays([chunk.distinct for chunk in chunks])
        columns = np.repeat(np.array([chunk.column for chunk in chunks], np.int64), lengths)
        objects = values.to_numpy(zero_copy_only=False)
        ids = self._find_ids(tf.constant(objects, tf.string), tf.constant(columns)).numpy()
        ends = np.cumsum(lengths)
        return [
            np.append(ids[end - length : end], MISSING_ID).astype(np.int32)
            for end, length in zip(ends, lengths, strict=True)
        ]


def _lists(rows: np.ndarray) -> pa.Array:
    """Returns fixed-size lists, one for each row of `[num_rows, width]`."""
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows.shape[1])

"""What the eval rows are told apart by: the columns of the predictions that make slices."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.errors import InputError
from components.evaluator.config import SPAN_KEY, TIME_KEY, SlicesConfig
from components.features import Features
from components.id_counts import BANDS, frequency_bands, read_id_counts
from components.parquet import read_table
from schemas.click_log import LABEL, ClickLog
from schemas.predictions import SLICE_TYPE, slice_column
from schemas.spans import SpanCounts, span_of_file

FREQUENCY = "frequency of {}"
MISSING_FIELDS = "missing fields"
OTHER, MISSING = "other", "missing"

# The same for every log, so that two comparisons have the same slices. A Criteo row lacks 5.5 of
# its 39 fields on the average.
_MISSING_CLASSES = ("0", "1-2", "3-5", "6-9", "10 or more")
_FIRST_OF_CLASS = (1, 3, 6, 10)


@dataclass(frozen=True)
class FrequentValues:
    """The values of a raw column that make slices.

    Attributes:
      column: its name.
      values: the most frequent ones, in the type of the column.
      labels: what they are called, then `OTHER` and `MISSING`.
    """

    column: str
    values: pa.Array
    labels: tuple[str, ...]

    def indices(self, rows: pa.Table) -> np.ndarray:
        """Returns the positions in `labels` of the rows' values, int64 `[num_rows]`."""
        column = _values(rows, self.column)
        places = pc.fill_null(pc.index_in(column, self.values), len(self.values)).to_numpy()
        return np.where(_is_missing(column), len(self.values) + 1, places)


def find_frequent_values(files: Sequence[str], column: str, max_values: int) -> FrequentValues:
    """Counts the values of one column over the eval split.

    Args:
      files: its raw Parquet files; of each only this column is read.
      column: its name.
      max_values: how many values to keep at most; of equally frequent ones the smaller.
    """
    counts: pa.Table | None = None
    for path in files:
        found = pc.value_counts(_values(read_table(path, columns=[column]), column).drop_null())
        own = pa.table({"value": found.field("values"), "count": found.field("counts")})
        counts = _sum_counts(own if counts is None else pa.concat_tables([counts, own]))
    assert counts is not None, "a split has a file"
    order = [("count", "descending"), ("value", "ascending")]
    values = counts.sort_by(order)["value"].slice(0, max_values).combine_chunks()
    labels = [_label(value) for value in values.to_pylist()]
    return FrequentValues(column, values, (*labels, OTHER, MISSING))


def _values(rows: pa.Table, column: str) -> pa.ChunkedArray:
    """Returns a column in which -0.0 is 0.0."""
    values = rows[column]
    return pc.add(values, 0.0) if pa.types.is_floating(values.type) else values


def _sum_counts(counts: pa.Table) -> pa.Table:
    sums = counts.group_by("value").aggregate([("count", "sum")])
    return pa.table({"value": sums["value"], "count": sums["count_sum"]})


def _label(value: bytes | int | float) -> str:
    if isinstance(value, bytes):
        text = value.decode(errors="backslashreplace")
        return repr(text) if text in (OTHER, MISSING) else text
    return str(np.float32(value)) if isinstance(value, float) else str(value)


def _is_missing(column: pa.ChunkedArray) -> np.ndarray:
    return column.is_null().to_numpy()


@dataclass(frozen=True)
class SlicePlan:
    """All that has to be known of the whole split before the slices of a row are.

    Attributes:
      config: which slices there are.
      num_rows: of the split.
      frequent_values: of each configured column.
      spans: of the window, oldest first; empty if the rows are not told apart by them.
    """

    config: SlicesConfig
    num_rows: int
    frequent_values: tuple[FrequentValues, ...]
    spans: tuple[SpanCounts, ...] = ()


def plan_slices(
    config: SlicesConfig,
    click_log: ClickLog,
    files: Sequence[str],
    num_rows: int,
    spans: Sequence[SpanCounts] = (),
) -> SlicePlan:
    """Looks at the configured columns of the split.

    Args:
      config: which slices there are.
      click_log: the layout of the raw rows.
      files: the raw Parquet files of the eval split, in name order.
      num_rows: of all of them.
      spans: of the window, oldest first. Where all rows are of one there is no slice of it.

    Raises:
      InputError: if a configured column is unknown, or has the name of another key.
    """
    try:
        config.check_columns((*click_log.dense_features, *click_log.categorical_features))
    except ValueError as error:
        raise InputError(str(error)) from error
    columns = list(dict.fromkeys(config.columns))
    frequent = (find_frequent_values(files, name, config.max_values) for name in columns)
    are_several = config.span and len({span_of_file(path, spans) for path in files}) > 1
    return SlicePlan(config, num_rows, tuple(frequent), tuple(spans) if are_several else ())


class SliceKeys:
    """Makes the columns of a file; one serves all threads of a process."""

    def __init__(self, plan: SlicePlan, features: Features, transform_graph_uri: str) -> None:
        """Works out the frequency band of every id.

        Args:
          plan: of the split.
          features: before and after the transform graph.
          transform_graph_uri: the folder that holds the counts of the ids.
        """
        self._plan = plan
        # (raw feature, its column among the transformed ones, int8 [vocabulary_size])
        self._bands: list[tuple[str, int, np.ndarray]] = []
        if plan.config.frequency_bands:
            counts = read_id_counts(transform_graph_uri)
            self._bands = [
                (name, column, frequency_bands(counts[name], np.arange(size)))
                for column, (name, size) in enumerate(features.vocabulary_sizes.items())
                if name in features.click_log.categorical_features
            ]

    @property
    def needs_ids(self) -> bool:
        """Whether the transformed ids are looked at."""
        return bool(self._bands)

    def columns(
        self, rows: pa.Table, path: str, first_row: int, ids: np.ndarray | None
    ) -> dict[str, pa.DictionaryArray]:
        """Returns column -> the values of the rows, of `SLICE_TYPE`.

        Args:
          rows: raw ones of one file.
          path: of the file.
          first_row: the number of the first one in the split.
          ids: the same rows' transformed ids, integers `[num_rows, num_features]`; None unless
            `needs_ids`.
        """
        found: dict[str, pa.DictionaryArray] = {}

        def add(key: str, indices: np.ndarray, labels: Sequence[str]) -> None:
            found[slice_column(key)] = pa.DictionaryArray.from_arrays(
                pa.array(indices, SLICE_TYPE.index_type), pa.array(labels, SLICE_TYPE.value_type)
            )

        for name, column, bands in self._bands:
            assert ids is not None, "frequency bands need ids"
            add(FREQUENCY.format(name), bands[ids[:, column]], BANDS)
        config = self._plan.config
        if config.missing:
            classes = np.searchsorted(_FIRST_OF_CLASS, _count_missing(rows), side="right")
            add(MISSING_FIELDS, classes, _MISSING_CLASSES)
        if config.time:
            row_ids = np.arange(first_row, first_row + rows.num_rows)
            parts = [f"{part} of {config.time}" for part in range(1, config.time + 1)]
            add(TIME_KEY, row_ids * config.time // max(1, self._plan.num_rows), parts)
        span = span_of_file(path, self._plan.spans)
        if span is not None:
            add(SPAN_KEY, np.zeros(rows.num_rows, np.int32), [span])
        for frequent in self._plan.frequent_values:
            add(frequent.column, frequent.indices(rows), frequent.labels)
        return found


def _count_missing(rows: pa.Table) -> np.ndarray:
    """Returns how many features of each row are missing, int64 `[num_rows]`."""
    counts = np.zeros(rows.num_rows, np.int64)
    for name in rows.column_names:
        if name != LABEL and rows[name].null_count:
            counts += _is_missing(rows[name])
    return counts

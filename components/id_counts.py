"""How often each id occurs in the train split, kept beside the transform graph.

`id_counts.parquet` has one row an id that occurs: `feature` (string), `id` (int32) and `count`
(int64), by feature in the order of the transformed columns, then by id. Its metadata tell which ids
of a feature stand for values outside of its vocabulary.
"""

import json
import os
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from components.parquet import read_table, write_table
from schemas.transformed import MISSING_ID, OUT_OF_VOCABULARY_ID

BANDS = ("missing", "unseen", "tail", "middle", "head")
_MISSING, _UNSEEN, _TAIL, _MIDDLE, _HEAD = range(len(BANDS))
# The shares of a feature's occurrences that the head, and the head with the middle, hold.
_HEAD_PERCENT, _MIDDLE_PERCENT = 50, 90

_FILE = "id_counts.parquet"
_NUM_OOV_IDS = b"num_oov_ids"


class IdCounts(NamedTuple):
    """The ids of one feature that occur in the train split.

    Attributes:
      ids: int32 `[num_seen]`, increasing.
      counts: int64 `[num_seen]`, all above 0.
      num_oov_ids: how many ids, from `OUT_OF_VOCABULARY_ID` on, stand for values outside of the
        vocabulary.
    """

    ids: np.ndarray
    counts: np.ndarray
    num_oov_ids: int

    def are_reserved(self, ids: np.ndarray) -> np.ndarray:
        """Returns which ids stand for missing values or those outside of the vocabulary."""
        return (ids == MISSING_ID) | self.are_out_of_vocabulary(ids)

    def are_out_of_vocabulary(self, ids: np.ndarray) -> np.ndarray:
        """Returns which ids stand for values outside of the vocabulary."""
        return (ids >= OUT_OF_VOCABULARY_ID) & (ids < OUT_OF_VOCABULARY_ID + self.num_oov_ids)


def write_id_counts(
    transform_graph_uri: str,
    counts: pa.Table,
    vocabulary_sizes: Mapping[str, int],
    num_oov_ids: Mapping[str, int],
) -> None:
    """Writes the file into the transform graph's folder.

    Args:
      transform_graph_uri: the folder.
      counts: `position` (int64, increasing) and `count` (int64, above 0); the positions of the
        features' ids follow each other, feature after feature.
      vocabulary_sizes: transformed categorical feature -> its number of ids.
      num_oov_ids: transformed categorical feature -> as in `IdCounts`.
    """
    starts = np.cumsum([0, *vocabulary_sizes.values()])
    positions = counts["position"].to_numpy()
    feature = np.searchsorted(starts, positions, side="right") - 1
    names = pa.array(list(vocabulary_sizes), pa.string())
    columns = {
        "feature": pa.DictionaryArray.from_arrays(pa.array(feature, pa.int32()), names),
        "id": pa.array(positions - starts[feature], pa.int32()),
        "count": counts["count"],
    }
    metadata = {_NUM_OOV_IDS: json.dumps({name: num_oov_ids[name] for name in vocabulary_sizes})}
    table = pa.table(columns).replace_schema_metadata(metadata)
    write_table(table, os.path.join(transform_graph_uri, _FILE))


def read_id_counts(transform_graph_uri: str) -> dict[str, IdCounts]:
    """Reads the file from the transform graph's folder.

    Returns:
      transformed categorical feature -> its counts, in the order of the transformed columns.
    """
    table = read_table(os.path.join(transform_graph_uri, _FILE))
    ids, counts = table["id"].to_numpy(), table["count"].to_numpy()
    num_oov_ids: dict[str, int] = json.loads(table.schema.metadata[_NUM_OOV_IDS])
    ends = np.cumsum(_rows_of_features(table["feature"], list(num_oov_ids)))
    starts = [0, *ends[:-1]]
    return {
        name: IdCounts(ids[start:end], counts[start:end], num_oov)
        for (name, num_oov), start, end in zip(num_oov_ids.items(), starts, ends, strict=True)
    }


def frequency_bands(id_counts: IdCounts, ids: np.ndarray) -> np.ndarray:
    """Returns how frequent ids are in the train split.

    The occurrences of a feature are those of the values that have an id: neither missing ones nor
    those outside of the vocabulary. The head is the fewest most frequent ids that hold half of the
    occurrences or more, with the middle they hold 90 % or more, the tail is the rest. Of equally
    frequent ids the smaller one counts as the more frequent one.

    Args:
      id_counts: of the feature.
      ids: integers of any shape.

    Returns:
      int8, of the shape of `ids`, positions in `BANDS`: `"unseen"` ids do not occur in the train
      split or stand for values outside of the vocabulary.
    """
    seen_bands = _bands_of_seen(id_counts)
    bands = np.full(ids.shape, _UNSEEN, np.int8)
    if len(id_counts.ids):
        places = np.minimum(np.searchsorted(id_counts.ids, ids), len(id_counts.ids) - 1)
        bands = np.where(id_counts.ids[places] == ids, seen_bands[places], bands)
    bands[id_counts.are_out_of_vocabulary(ids)] = _UNSEEN
    bands[ids == MISSING_ID] = _MISSING
    return bands


def _bands_of_seen(id_counts: IdCounts) -> np.ndarray:
    counts = np.where(id_counts.are_reserved(id_counts.ids), 0, id_counts.counts)
    order = np.argsort(-counts, kind="stable")
    before = np.cumsum(counts[order]) - counts[order]
    total = counts.sum()
    bands = np.empty(len(counts), np.int8)
    bands[order] = np.select(
        [before * 100 < total * _HEAD_PERCENT, before * 100 < total * _MIDDLE_PERCENT],
        [_HEAD, _MIDDLE],
        _TAIL,
    )
    return bands


def _rows_of_features(feature: pa.ChunkedArray, names: list[str]) -> list[int]:
    """Returns how many rows each feature has."""
    counts = dict.fromkeys(names, 0)
    for part in feature.chunks:
        own = np.bincount(part.indices.to_numpy(), minlength=len(part.dictionary))
        for name, count in zip(part.dictionary.to_pylist(), own, strict=True):
            counts[name] += int(count)
    return [counts[name] for name in names]

"""The columns of the predictions: one Parquet file for each raw file of the eval split.

In their order:

* `ROW_ID`, int64: the number of the row in the eval split, files in name order, from 0;
* `LABEL`, int64: 0 or 1;
* `WEIGHT`, float32: how much the row counts; only where the log has weights;
* one column a slice key, named by `slice_column`: dictionary-encoded text, null where the row is in
  no slice of that key;
* one float32 column a replica, named by `keys.replica_name`: its click probability.
"""

from collections.abc import Iterable

import pyarrow as pa

from schemas.click_log import LABEL, WEIGHT

ROW_ID = "row_id"
_SLICE_PREFIX = "slice:"
SLICE_TYPE = pa.dictionary(pa.int32(), pa.string())


def slice_column(key: str) -> str:
    """Returns the name of the column that holds a slice key."""
    return _SLICE_PREFIX + key


def slice_keys_of(names: Iterable[str]) -> list[str]:
    """Returns the slice keys among the names of columns, in order."""
    return [name.removeprefix(_SLICE_PREFIX) for name in names if name.startswith(_SLICE_PREFIX)]


def replicas_of(names: Iterable[str]) -> list[str]:
    """Returns the names of columns that hold predictions, in order."""
    others = (ROW_ID, LABEL, WEIGHT)
    return [name for name in names if name not in others and not name.startswith(_SLICE_PREFIX)]

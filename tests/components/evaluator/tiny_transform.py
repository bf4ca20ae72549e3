"""What the Transform step leaves beside the raw rows of `tiny`."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from components.features import Features, write_features
from components.id_counts import write_id_counts
from schemas.click_log import LABEL
from schemas.criteo import CATEGORICAL_FEATURES, CLICK_LOG
from schemas.transformed import CATEGORICAL, MISSING_ID, NUM_RESERVED_IDS, OUT_OF_VOCABULARY_ID
from tests.components.evaluator.tiny import write_split

# The values of every categorical feature that have an id, and how often the train split has them: a
# head of 60 %, a middle up to 95 %, a tail, and a value that does not occur.
VOCABULARY = {b"05db9164": 60, b"aa": 35, b"bb": 5, b"cc": 0}
# Missing values, and those outside of the vocabulary.
_RESERVED_COUNTS = (5, 10)


def write_transformed_split(folder: Path, *tables: pa.Table) -> str:
    """Writes the ids and labels of raw rows, one file a table, and returns the folder."""
    ids = {None: MISSING_ID}
    ids |= {value: place for place, value in enumerate(VOCABULARY, start=NUM_RESERVED_IDS)}
    transformed = []
    for table in tables:
        columns = [
            [ids.get(value, OUT_OF_VOCABULARY_ID) for value in table[name].to_pylist()]
            for name in CATEGORICAL_FEATURES
        ]
        flat = pa.array(np.array(columns, np.int32).T.ravel())
        lists = pa.FixedSizeListArray.from_arrays(flat, len(CATEGORICAL_FEATURES))
        transformed.append(pa.table({CATEGORICAL: lists, LABEL: table[LABEL].cast(pa.float32())}))
    return write_split(folder, *transformed)


def write_transform_graph(folder: Path) -> str:
    """Writes `features.json` and the counts of the ids, and returns the folder."""
    folder.mkdir(parents=True)
    counts = (*_RESERVED_COUNTS, *VOCABULARY.values())
    sizes = dict.fromkeys(CATEGORICAL_FEATURES, len(counts))
    features = Features(click_log=CLICK_LOG, dense_width=26, vocabulary_sizes=sizes)
    write_features(str(folder), features)
    of_all = np.tile(counts, len(sizes))
    table = pa.table({"position": np.flatnonzero(of_all), "count": of_all[of_all > 0]})
    write_id_counts(str(folder), table, sizes, dict.fromkeys(sizes, 1))
    return str(folder)

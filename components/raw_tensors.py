"""Raw rows from Arrow columns to the dense tensors that the transform graph takes."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.criteo import (
    CATEGORICAL_FEATURES,
    DENSE_FEATURES,
    MISSING_CATEGORY,
    MISSING_INTEGER,
)


def raw_tensors(rows: pa.Table) -> dict[str, np.ndarray]:
    """Returns one array `[num_rows]` a feature: int64 integers, object (bytes) categories.

    Args:
      rows: columns as in `schemas.criteo.raw_arrow_schema`; null is missing. The label is
        ignored.
    """
    tensors: dict[str, np.ndarray] = {}
    for name in DENSE_FEATURES:
        tensors[name] = pc.fill_null(rows[name], MISSING_INTEGER).to_numpy()
    for name in CATEGORICAL_FEATURES:
        tensors[name] = pc.fill_null(rows[name], MISSING_CATEGORY).to_numpy()
    return tensors

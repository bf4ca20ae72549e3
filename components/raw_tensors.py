"""Raw rows from Arrow columns to the dense tensors that the transform graph takes."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.click_log import LABEL, MISSING_CATEGORY, MISSING_FLOAT, MISSING_INTEGER, WEIGHT


def raw_tensors(rows: pa.Table) -> dict[str, np.ndarray]:
    """Returns one array `[num_rows]` a feature: int64, float32 or object (bytes).

    Args:
      rows: columns as in `schemas.click_log.raw_arrow_schema`; null is missing. Label and weight
        are left out.
    """
    return {
        name: pc.fill_null(rows[name], _missing(rows[name].type)).to_numpy()
        for name in rows.column_names
        if name not in (LABEL, WEIGHT)
    }


def _missing(kind: pa.DataType) -> pa.Scalar:
    if pa.types.is_integer(kind):
        return pa.scalar(MISSING_INTEGER, kind)
    if pa.types.is_floating(kind):
        return pa.scalar(MISSING_FLOAT, kind)
    return pa.scalar(MISSING_CATEGORY, kind)

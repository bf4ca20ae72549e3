import numpy as np
import pyarrow as pa

from components.raw_tensors import raw_tensors
from schemas.criteo import CATEGORICAL_FEATURES, DENSE_FEATURES, MISSING_INTEGER, raw_arrow_schema


def test_missing_values_get_their_sentinels():
    columns = {name: [None, 1] for name in ("label", *DENSE_FEATURES)}
    columns |= {name: [b"ab", None] for name in CATEGORICAL_FEATURES}
    tensors = raw_tensors(pa.table(columns, schema=raw_arrow_schema()))
    assert list(tensors) == [*DENSE_FEATURES, *CATEGORICAL_FEATURES]
    np.testing.assert_array_equal(tensors["I13"], np.array([MISSING_INTEGER, 1], np.int64))
    assert tensors["C26"].tolist() == [b"ab", b""]

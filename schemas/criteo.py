"""The Criteo click-log features: raw keys, transformed keys and their types.

A raw row has 40 tab-separated columns: the label (1 = clicked), 13 integers (I1..I13) and 26
hexadecimal categories (C1..C26). An empty field is a missing value.

Raw rows travel as Parquet with one nullable column a feature. Where a missing value cannot be
null (a dense tensor), integers hold `MISSING_INTEGER` and categories the empty string.
"""

from typing import Any

import pyarrow as pa

LABEL = "label"
DENSE_FEATURES = tuple(f"I{i}" for i in range(1, 14))
CATEGORICAL_FEATURES = tuple(f"C{i}" for i in range(1, 27))
RAW_COLUMNS = (LABEL, *DENSE_FEATURES, *CATEGORICAL_FEATURES)

MISSING_INTEGER = -(2**63)
MISSING_CATEGORY = b""

# Keys of the transformed features (the outputs of the transform graph and the columns of the
# transformed Parquet files). The label keeps its name.
DENSE = "dense"
CATEGORICAL = "categorical"

# Categorical ids 0 and 1 mean the same in every feature; the vocabulary (or the hash buckets)
# starts at `NUM_RESERVED_IDS`.
MISSING_ID = 0
OUT_OF_VOCABULARY_ID = 1
NUM_RESERVED_IDS = 2

TRAIN_SPLIT = "train"
EVAL_SPLIT = "eval"


def raw_arrow_schema() -> pa.Schema:
    """Returns the Arrow schema of a raw row: int64 label and integers, binary categories."""
    integers = [(name, pa.int64()) for name in (LABEL, *DENSE_FEATURES)]
    categories = [(name, pa.binary()) for name in CATEGORICAL_FEATURES]
    return pa.schema(integers + categories)


def raw_feature_spec() -> dict[str, Any]:
    """Returns the `tf.io.parse_example` spec of a raw tf.Example without its label.

    Every feature is a scalar and optional: a missing integer becomes `MISSING_INTEGER`, a missing
    category the empty string.
    """
    import tensorflow as tf

    spec: dict[str, Any] = {
        name: tf.io.FixedLenFeature([], tf.int64, default_value=MISSING_INTEGER)
        for name in DENSE_FEATURES
    }
    for name in CATEGORICAL_FEATURES:
        spec[name] = tf.io.FixedLenFeature([], tf.string, default_value=MISSING_CATEGORY)
    return spec

"""The transformed rows: the columns of their Parquet files and the outputs of the transform graph.

Label and weight keep their names, `schemas.click_log.LABEL` and `WEIGHT`.
"""

DENSE = "dense"
CATEGORICAL = "categorical"

# Ids 0 and 1 mean the same in every categorical feature whose values are looked up or hashed.
MISSING_ID = 0
OUT_OF_VOCABULARY_ID = 1
NUM_RESERVED_IDS = 2

"""The Criteo click logs: what the generator writes and what is read where no schema is given."""

from schemas.schema_file import load_click_log

CLICK_LOG = load_click_log("criteo")
DENSE_FEATURES = CLICK_LOG.dense_features
CATEGORICAL_FEATURES = CLICK_LOG.categorical_features

"""The artifact types that TFX does not have."""

from tfx.types.artifact import Artifact


class Quarantine(Artifact):
    """Rejected input rows: `rejected_rows.jsonl` (file, line, reason, raw) and `summary.json`."""

    TYPE_NAME = "schemas.Quarantine"


class Comparison(Artifact):
    """The compared variants: `comparison.json`, `comparison.md`, `index.html`, TFMA's result."""

    TYPE_NAME = "schemas.Comparison"


class Preflight(Artifact):
    """The variants' train steps compiled for TPUs, before they are trained: `preflight.json`."""

    TYPE_NAME = "schemas.Preflight"


class Predictions(Artifact):
    """One Parquet row an eval row.

    Columns: `row_id` (int64, the row's number in the eval split), `label` (int64), `weight`
    (float32, where the log has weights), the slice keys (`slice:...`, strings; null is in no
    slice), and a float32 probability for each replica of each variant.
    """

    TYPE_NAME = "schemas.Predictions"

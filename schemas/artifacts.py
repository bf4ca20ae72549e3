"""The artifact types that TFX does not have."""

from tfx.types.artifact import Artifact


class Quarantine(Artifact):
    """Rejected input rows: `rejected_rows.jsonl` (file, line, reason, raw) and `summary.json`."""

    TYPE_NAME = "schemas.Quarantine"


class Comparison(Artifact):
    """The compared variants: `comparison.json`, `index.html` and the TFMA result."""

    TYPE_NAME = "schemas.Comparison"


class Predictions(Artifact):
    """One Parquet row an eval row: the label and one float32 probability column a variant."""

    TYPE_NAME = "schemas.Predictions"

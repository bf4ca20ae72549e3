"""The JSON schema of `comparison.json`: `python -m components.evaluator.report.json_schema`."""

import json
from pathlib import Path
from typing import Any

from components.evaluator.comparison import Comparison

SCHEMA_PATH = Path(__file__).parents[3] / "schemas" / "comparison.schema.json"


def json_schema() -> dict[str, Any]:
    """Returns the schema of a written comparison, JSON Schema draft 2020-12."""
    schema = Comparison.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def schema_text() -> str:
    """Returns the schema as the published file holds it."""
    return json.dumps(json_schema(), indent=2) + "\n"


if __name__ == "__main__":
    SCHEMA_PATH.write_text(schema_text(), encoding="utf-8")

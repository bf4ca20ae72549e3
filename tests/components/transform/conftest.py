"""Small raw tables for the preprocessing tests."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from schemas.criteo import RAW_COLUMNS, raw_arrow_schema


@pytest.fixture(scope="session")
def raw_table() -> Callable[[list[dict[str, Any]]], pa.Table]:
    """Makes a raw table of rows that name only some features; the others are missing."""

    def make(rows: list[dict[str, Any]]) -> pa.Table:
        columns = {name: [row.get(name) for row in rows] for name in RAW_COLUMNS}
        columns["label"] = [row.get("label", 0) for row in rows]
        return pa.table(columns, schema=raw_arrow_schema())

    return make

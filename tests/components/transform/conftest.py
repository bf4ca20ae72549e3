"""Small raw tables for the preprocessing tests."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from schemas.click_log import LABEL, raw_arrow_schema
from schemas.criteo import CLICK_LOG


@pytest.fixture(scope="session")
def raw_table() -> Callable[[list[dict[str, Any]]], pa.Table]:
    """Makes a raw Criteo table of rows that name only some features; the others are missing."""

    def make(rows: list[dict[str, Any]]) -> pa.Table:
        columns = {name: [row.get(name) for row in rows] for name in CLICK_LOG.used_columns}
        columns[LABEL] = [row.get(LABEL, 0) for row in rows]
        return pa.table(columns, schema=raw_arrow_schema(CLICK_LOG))

    return make

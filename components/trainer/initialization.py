"""Gives the tables of embeddings the start that is configured."""

import math
from collections.abc import Sequence
from dataclasses import replace

from components.trainer.embeddings.base import Embedding
from components.trainer.embeddings.parts.table import Table
from components.trainer.initialization_config import InitializationConfig


def set_starts(embeddings: Sequence[Embedding], config: InitializationConfig) -> None:
    """Changes what the tables will start with; see `InitializationConfig` for those that stay.

    Args:
      embeddings: of all features, before their tables are made; a table that several share stays
        one.
      config: what to start with.
    """
    if config.tables == "uniform_rows" and config.scale == 1.0:
        return
    started: dict[Table, Table] = {}
    for embedding in embeddings:
        if any(table.has_own_start for table in embedding.tables):
            continue
        for table in embedding.tables:
            if table not in started:
                started[table] = _started(table, embedding.embedding_dim, config)
        embedding.tables = tuple(started[table] for table in embedding.tables)


def _started(table: Table, embedding_dim: int, config: InitializationConfig) -> Table:
    size = config.scale / math.sqrt(embedding_dim)
    if config.tables == "normal":
        return replace(table, stddev=size)
    high = config.scale * table.high if config.tables == "uniform_rows" else size
    return replace(table, low=-high, high=high)

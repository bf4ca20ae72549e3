"""What one pass over the predictions tells before any metric is computed."""

from collections.abc import Iterable

import numpy as np
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from components.errors import InputError
from components.parquet import read_table
from schemas.click_log import EVAL_SPLIT, LABEL
from schemas.predictions import replicas_of


class PredictionFacts(BaseModel):
    """Counts over the eval split.

    Attributes:
      num_rows: rows.
      num_clicks: rows with label 1.
      diverged: columns (`keys.replica_name`) with a prediction that is not finite.
    """

    model_config = ConfigDict(frozen=True)

    num_rows: int
    num_clicks: int
    diverged: frozenset[str]

    @property
    def click_rate(self) -> float:
        """The mean label."""
        return self.num_clicks / self.num_rows


def read_prediction_facts(files: Iterable[str]) -> PredictionFacts:
    """Counts rows and clicks and finds the diverged replicas.

    Raises:
      InputError: if there is no row, or all labels are equal: auc_roc is not defined then.
    """
    num_rows = num_clicks = 0
    diverged: set[str] = set()
    for path in files:
        table = read_table(path)
        num_rows += table.num_rows
        num_clicks += pc.sum(table[LABEL], min_count=0).as_py()
        for name in replicas_of(table.column_names):
            if not np.isfinite(table[name].to_numpy()).all():
                diverged.add(name)
    if num_clicks in (0, num_rows):
        only = f"all {num_rows:,} labels are {int(num_clicks > 0)}" if num_rows else "it has no row"
        raise InputError(
            f"the {EVAL_SPLIT} split needs rows with label 0 and rows with label 1 to compare "
            f"variants; {only}: use more data or a larger {EVAL_SPLIT} split"
        )
    return PredictionFacts(num_rows=num_rows, num_clicks=num_clicks, diverged=frozenset(diverged))

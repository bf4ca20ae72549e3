"""Compares cells whose trainers had other rows than the baseline's, on the eval rows of both.

A method such as negative sampling changes the train split alone. Its cells are a group of their
own, and the group's Evaluator does not know the baseline; but both Evaluators have predicted the
same eval rows.
"""

import os
import tempfile
from collections.abc import Mapping, Sequence

import apache_beam as beam
import pyarrow as pa

from components.evaluator.config import EvaluatorConfig
from components.evaluator.keys import replica_name
from components.evaluator.metric_result import MetricResult
from components.evaluator.prediction_facts import read_prediction_facts
from components.evaluator.statistics.quality import measure_quality
from components.parquet import list_files, read_table, write_table
from schemas.click_log import LABEL, WEIGHT
from schemas.predictions import ROW_ID


def compare_across(
    baseline_uri: str,
    baseline: str,
    predictions_uri: str,
    cells: Sequence[str],
    num_seeds: int,
    config: EvaluatorConfig,
) -> dict[str, Mapping[str, MetricResult]]:
    """Measures cells of one group beside the baseline of another.

    Args:
      baseline_uri: the predictions of the baseline's group.
      baseline: its name there.
      predictions_uri: the predictions of the cells' group.
      cells: their names there; none is the baseline's.
      num_seeds: of each.
      config: intervals, resamples and threshold.

    Returns:
      cell -> its metrics with differences to the baseline; empty if the two groups have other eval
      rows, or a prediction is not a number.
    """
    replicas = {
        name: [replica_name(name, index) for index in range(num_seeds)]
        for name in (baseline, *cells)
    }
    mine = _read(baseline_uri, replicas[baseline])
    theirs = _read(predictions_uri, [column for cell in cells for column in replicas[cell]])
    rows = [name for name in (ROW_ID, LABEL, WEIGHT) if name in mine.column_names]
    if not all(mine[name].equals(theirs[name]) for name in rows):
        return {}
    joined = mine
    for name in theirs.column_names:
        if name not in rows:
            joined = joined.append_column(name, theirs[name])
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "joined.parquet")
        write_table(joined, path)
        if read_prediction_facts([path]).diverged:
            return {}
        found = measure_quality(beam.Pipeline, [path], replicas, baseline, config)
    return {cell: found[cell].metrics for cell in cells}


def _read(uri: str, columns: Sequence[str]) -> pa.Table:
    """Reads row numbers, labels, weights where there are some, and these columns."""
    tables = []
    for path in list_files(uri):
        table = read_table(path)
        kept = [name for name in (ROW_ID, LABEL, WEIGHT) if name in table.column_names]
        tables.append(table.select([*kept, *columns]))
    return pa.concat_tables(tables).combine_chunks()

"""The comparisons of a study: each group's Evaluator, and groups beside each other."""

import dataclasses
import os
from collections.abc import Mapping, Sequence

import tensorflow as tf

from components.evaluator.comparison import COMPARISON_FILE, Comparison
from pipeline.lineage.store import read_snapshot
from pipeline.local_run import write_report
from pipeline.study.across import compare_across
from pipeline.study.correction import adjust_together
from pipeline.study.group_runs import GroupRuns, Prepared
from pipeline.study.result import GroupResult


def compare_groups(
    runs: GroupRuns, trained: Sequence[GroupResult], prepared: Mapping[str, Prepared]
) -> list[GroupResult]:
    """Compares the cells of each group; those without the dataset's baseline with that, too.

    Args:
      runs: of the groups.
      trained: the groups with their trainings.
      prepared: group's name -> its pipeline, where it has one.

    Returns:
      the groups with their comparisons, or why there is none; p-values are adjusted for all cells
      of a dataset.
    """
    results: dict[str, GroupResult] = {}
    predictions: dict[str, str] = {}
    for result in trained:
        name = result.group.name
        if name in prepared:
            result = _compare(runs, prepared[name], result, predictions)
        of_dataset = results.get(result.group.cells[0].dataset)
        if of_dataset and {name, of_dataset.group.name} <= predictions.keys():
            result = _compare_across(runs, of_dataset, result, predictions)
        results[name] = result
    return adjust_together(list(results.values()))


def _compare(
    runs: GroupRuns, prepared: Prepared, result: GroupResult, predictions: dict[str, str]
) -> GroupResult:
    """Runs the group's Evaluator on the cells of which every seed is done.

    Args:
      runs: of the groups.
      prepared: the group.
      result: what its trainings brought.
      predictions: takes where the group's predictions are.
    """
    cells, run, group = result.complete_cells(), prepared.run, prepared.group
    if not cells:
        return result
    try:
        if len(cells) < len(prepared.cells):
            run = runs.compile(group, cells, run.run_id)
        outputs = runs.run_step(group, run, "Evaluator")
        with tf.io.gfile.GFile(os.path.join(outputs["comparison"], COMPARISON_FILE)) as file:
            comparison = Comparison.from_json(file.read())
        folder = runs.paths.study_dir / "reports" / group.name
        write_report(comparison, read_snapshot(runs.paths.root), folder)
    except Exception as error:
        return dataclasses.replace(result, error=runs.failure(error, group))
    predictions[group.name] = outputs["predictions"]
    baseline = group.baseline(cells)
    return dataclasses.replace(result, comparison=comparison, baseline=baseline)


def _compare_across(
    runs: GroupRuns, main: GroupResult, result: GroupResult, predictions: Mapping[str, str]
) -> GroupResult:
    """Compares a group's cells with the baseline of the dataset's main group."""
    cells = result.complete_cells()
    baseline = main.baseline
    assert baseline is not None
    runs.console.start_step(f"  {result.group.name}: beside {baseline.id}")
    try:
        across = compare_across(
            predictions[main.group.name],
            baseline.name,
            predictions[result.group.name],
            [cell.name for cell in cells],
            runs.plan.num_seeds,
            runs.config(result.group, cells).evaluator,
        )
    except Exception as error:  # The other groups' results must not be lost.
        return dataclasses.replace(result, error=runs.failure(error, result.group))
    runs.console.end_step("" if across else "not compared: other eval rows, or no number predicted")
    if not across:
        return result
    return dataclasses.replace(result, metrics=across, baseline=baseline)

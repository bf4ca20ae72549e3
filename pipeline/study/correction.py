"""P-values of all comparisons on a dataset, adjusted together."""

import dataclasses
from collections.abc import Sequence

from components.evaluator.statistics.holm import holm
from pipeline.study.result import GroupResult


def adjust_together(results: Sequence[GroupResult]) -> list[GroupResult]:
    """Adjusts p-values (Holm 1979), each metric by itself, for all compared cells of a dataset.

    A group's Evaluator knows the cells of its group only, and a method that changes the rows makes
    a group of its own.

    Args:
      results: of all groups.
    """
    datasets = {result.group.cells[0].dataset for result in results}
    adjusted: dict[int, GroupResult] = {}
    for dataset in datasets:
        own = [i for i, r in enumerate(results) if r.group.cells[0].dataset == dataset]
        adjusted |= dict(zip(own, _adjust([results[i] for i in own]), strict=True))
    return [adjusted[i] for i in range(len(results))]


def _adjust(results: Sequence[GroupResult]) -> list[GroupResult]:
    metrics = {
        cell.id: dict(result.metrics_of(cell))
        for result in results
        for cell in result.compared_cells()
    }
    for name in {name for found in metrics.values() for name in found}:
        tested = {
            cell: p_value
            for cell, found in metrics.items()
            if name in found and (p_value := found[name].p_value) is not None
        }
        for cell, p_value in zip(tested, holm(list(tested.values())).tolist(), strict=True):
            update = {"adjusted_p_value": p_value}
            metrics[cell][name] = metrics[cell][name].model_copy(update=update)
    return [
        dataclasses.replace(
            result, metrics={cell.name: metrics[cell.id] for cell in result.compared_cells()}
        )
        for result in results
    ]

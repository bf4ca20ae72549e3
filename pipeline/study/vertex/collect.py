"""What the ended runs of a study brought, read from their artifacts."""

import dataclasses
import os
from collections.abc import Mapping, Sequence

import tensorflow as tf

from components.errors import InputError
from components.evaluator.comparison import COMPARISON_FILE, Comparison
from components.evaluator.metric_result import MetricResult
from components.training_record import read_training_record
from pipeline.cause import cause_of
from pipeline.step_ids import trainer_id
from pipeline.study.across import compare_across
from pipeline.study.cells import Group
from pipeline.study.correction import adjust_together
from pipeline.study.dataset_size import dataset_bytes
from pipeline.study.result import GroupResult, StudyResult, Training
from pipeline.study.vertex.cell_state import CellState
from pipeline.vertex.runs.run_state import SKIPPED, SUCCEEDED

_Metrics = Mapping[str, MetricResult]


def collect(states: Sequence[CellState], groups: Sequence[Group]) -> StudyResult:
    """Reads the trainings and the comparisons of a study whose runs have all ended.

    Args:
      states: of all cells.
      groups: of the study.

    Returns:
      a result of each cell by itself, in the study's order.
    """
    by_cell = {state.cell_run.cell.id: state for state in states}
    mains: dict[str, CellState] = {}
    results: list[GroupResult] = []
    for group in groups:
        leader = by_cell[group.baseline(group.cells).id]
        main = mains.setdefault(group.cells[0].dataset, leader)
        results += [_cell_result(by_cell[cell.id], main) for cell in group.cells]
    return StudyResult(tuple(adjust_together(results)))


def _cell_result(state: CellState, main: CellState) -> GroupResult:
    """Reads one cell.

    Args:
      state: of the cell.
      main: of the dataset's baseline.
    """
    cell_run, cell = state.cell_run, state.cell_run.cell
    group = dataclasses.replace(cell_run.group, name=cell.id, cells=(cell,))
    trainings = tuple(_training(state, index) for index in range(cell_run.config.seeds))
    result = GroupResult(group, {cell.name: trainings}, _dataset_bytes(state))
    if not result.complete_cells():
        return result
    try:
        return _compared(result, state, main)
    except (InputError, OSError, ValueError, tf.errors.OpError) as error:
        return dataclasses.replace(result, error=cause_of(error))


def _training(state: CellState, index: int) -> Training:
    """Reads one seed. It counts also where another step of its run has failed."""
    step = trainer_id(state.cell_run.cell.name, index)
    task = state.run.task(step) if state.run else None
    if task is None or task.state not in (SUCCEEDED, SKIPPED):
        return Training("failed", state.error or f"{step} has not succeeded: {_link(state)}")
    try:
        if "model_run" not in task.outputs:
            raise InputError(f"{step} succeeded, but names no model_run: {_link(state)}")
        return Training("done", record=read_training_record(task.outputs["model_run"]))
    except (InputError, tf.errors.OpError) as error:
        return Training("failed", cause_of(error))


def _dataset_bytes(state: CellState) -> int | None:
    uri = state.run.output_uri("ExampleGen", "quarantine") if state.run else None
    try:
        return dataset_bytes(uri) if uri else None
    except (KeyError, ValueError, tf.errors.OpError):
        return None


def _compared(result: GroupResult, state: CellState, main: CellState) -> GroupResult:
    """Adds the comparison of a cell's run, with the dataset's baseline where there is one."""
    cell_run, cell = state.cell_run, state.cell_run.cell
    folder = state.run.output_uri("Evaluator", "comparison") if state.run else None
    if folder is None:
        return dataclasses.replace(result, error=state.error or f"no comparison: {_link(state)}")
    with tf.io.gfile.GFile(os.path.join(folder, COMPARISON_FILE)) as file:
        comparison = Comparison.from_json(file.read())
    baseline = cell_run.baseline or cell
    metrics: _Metrics = comparison.variant(cell.name).metrics
    if cell_run.group is not main.cell_run.group:
        across = _beside_main(state, main)
        baseline, metrics = (main.cell_run.cell, across) if across else (cell, metrics)
    return dataclasses.replace(
        result, comparison=comparison, metrics={cell.name: metrics}, baseline=baseline
    )


def _beside_main(state: CellState, main: CellState) -> _Metrics:
    """Compares a cell whose rows a method has changed with the dataset's baseline.

    Returns:
      its metrics; empty if the baseline has no predictions or they are of other eval rows.
    """
    uris = [each.run and each.run.output_uri("Evaluator", "predictions") for each in (main, state)]
    if not uris[0] or not uris[1]:
        return {}
    cell, config = state.cell_run.cell, state.cell_run.config
    found = compare_across(
        uris[0], main.cell_run.cell.name, uris[1], [cell.name], config.seeds, config.evaluator
    )
    return found.get(cell.name, {})


def _link(state: CellState) -> str:
    return state.run.link if state.run else "its run was not submitted"

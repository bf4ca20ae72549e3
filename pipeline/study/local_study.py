"""A study on this machine: rows, trainings side by side, comparisons."""

import dataclasses
import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from components.evaluator.comparison import COMPARISON_FILE, Comparison
from components.example_gen.quarantine import SUMMARY
from components.progress import report
from components.training_record import TrainingRecord, read_training_record
from pipeline.cause import cause_of
from pipeline.config import PipelineConfig
from pipeline.console import Console
from pipeline.lineage.records import Origin
from pipeline.lineage.store import read_snapshot
from pipeline.local_run import (
    absolute,
    keep_origin,
    local_pipeline,
    with_synthetic_data,
    write_report,
)
from pipeline.paths import RunPaths
from pipeline.pipeline import trainer_id
from pipeline.stepwise_runner import CompiledRun, compile_run, new_run_id, run_step
from pipeline.study.across import compare_across
from pipeline.study.board import Board
from pipeline.study.cells import Cell, Group
from pipeline.study.devices import missing_devices
from pipeline.study.journal import Timing, add_timing
from pipeline.study.plan import Plan, TrainingKey
from pipeline.study.result import GroupResult, StudyResult, Training
from pipeline.study.worker import Ended, Step
from pipeline.study.workers import Job, Workers

_PREPARED_STEPS = ("ExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator", "Transform")


@dataclass(frozen=True)
class _Prepared:
    """A group whose rows are ready.

    Attributes:
      group: the group.
      cells: those whose device is there.
      run: of the pipeline of these cells.
      dataset_bytes: of its raw lines.
    """

    group: Group
    cells: tuple[Cell, ...]
    run: CompiledRun
    dataset_bytes: int


class LocalStudy:
    """Runs a study: first all rows, then all trainings, then all comparisons.

    So trainings of all groups fill the cores together, and nothing else runs beside them. What has
    been done before is answered by TFX's cache, step by step.
    """

    def __init__(self, plan: Plan, paths: RunPaths, console: Console, origin: Origin) -> None:
        """Takes what to run.

        Args:
          plan: the study.
          paths: where.
          console: shows the progress.
          origin: of the runs.
        """
        self._plan = plan
        self._paths = paths
        self._console = console
        self._origin = origin
        self._data = ""
        self._best: dict[str, float | None] = {}
        self._trainings: dict[TrainingKey, Training] = {}
        self._errors: dict[str, str] = {}

    def run(self) -> StudyResult:
        """Returns how all trainings and comparisons ended; only what stops all of them is raised.

        Raises:
          InputError: if the synthetic data cannot be written.
          RuntimeError: if the processes cannot be started.
        """
        plan = self._plan
        self._find_data()
        missing = missing_devices({cell.device for group in plan.groups for cell in group.cells})
        for key in plan.trainings:
            if key.cell.device in missing:
                self._trainings[key] = Training("skipped", missing[key.cell.device])
        prepared = [each for group in plan.groups if (each := self._prepare(group, missing))]
        self._train(prepared)
        results = self._compare_all({each.group.name: each for each in prepared})
        return StudyResult(tuple(results))

    def _find_data(self) -> None:
        config = self._plan.groups[0].cells_config
        if self._plan.data is None:
            config, self._data = with_synthetic_data(config, self._paths, self._console)
        else:
            self._data = absolute(self._plan.data)
        best = ("best_auc_roc", "best_logloss")
        self._best = {name: getattr(config.evaluator, name) for name in best}

    def _config(self, group: Group, cells: Sequence[Cell]) -> PipelineConfig:
        config = group.config(cells)
        evaluator = config.evaluator.model_copy(update=self._best)
        return config.model_copy(update={"evaluator": evaluator})

    def _compile(self, group: Group, cells: Sequence[Cell], run_id: str) -> CompiledRun:
        config = self._config(group, cells)
        return compile_run(local_pipeline(config, self._data, self._paths, None), run_id)

    def _prepare(self, group: Group, missing: Mapping[str, str]) -> _Prepared | None:
        """Runs the steps before the trainers; if one fails, so have the group's cells."""
        cells = tuple(cell for cell in group.cells if cell.device not in missing)
        if not cells:
            return None
        run = self._compile(group, cells, new_run_id())
        try:
            for step in _PREPARED_STEPS:
                outputs = self._run_here(group, run, step)
                if step == "ExampleGen":
                    dataset_bytes = _dataset_bytes(outputs["quarantine"])
        except Exception as error:
            self._errors[group.name] = self._failure(error, group)
            for key in self._plan.trainings:
                if key.group == group.name:
                    self._trainings.setdefault(key, Training("failed", cause_of(error)))
            return None
        return _Prepared(group, cells, run, dataset_bytes)

    def _run_here(self, group: Group, run: CompiledRun, step: str) -> dict[str, str]:
        self._console.start_step(f"  {group.name}: {step}")
        try:
            outcome = run_step(run, step)
        finally:
            keep_origin(self._origin, self._paths, run.run_id)
        self._console.end_step("cached" if outcome.is_cached else "")
        return outcome.outputs

    def _failure(self, error: Exception, group: Group) -> str:
        logging.exception("dataset %s", group.name)
        cause = cause_of(error)
        self._console.end_step("failed")
        self._console.say(f"    {cause}")
        return cause

    def _train(self, prepared: Sequence[_Prepared]) -> None:
        """Runs all trainings, those that take longest first."""
        plan = self._plan
        runs = {each.group.name: each.run for each in prepared}
        keys = [k for k in plan.trainings if k.group in runs and k not in self._trainings]
        board = Board(plan, keys, self._console)
        jobs = [
            Job(
                key,
                Step(runs[key.group], trainer_id(key.cell.name, key.seed_index)),
                needs_accelerator=key.cell.device != "cpu",
            )
            for key in board.longest_first()
        ]

        timings = {(t.group, t.cell, t.seed_index): t for t in plan.timings}

        def end(key: TrainingKey, ended: Ended) -> None:
            timing = timings.get((key.group, key.cell.name, key.seed_index))
            if ended.error is not None:
                training = Training("failed", ended.error)
            else:
                record = read_training_record(ended.outputs["model_run"])
                if not ended.is_cached:
                    timing = _timing(key, record, ended.seconds, plan)
                    add_timing(plan.journal_path(self._paths), timing)
                    board.add_timing(timing)
                training = Training("done", record=record, timing=timing)
            self._trainings[key] = training
            board.end(key, training, ended)

        if not jobs:
            return
        self._console.start_step(f"  training {len(jobs)} of {len(plan.trainings)}")
        with Workers[TrainingKey](plan.parallel, plan.num_threads, self._log_folder()) as workers:
            workers.run(jobs, end, lambda running: report(board.line(running)))
        self._console.end_step(board.outcome())

    def _log_folder(self) -> Path:
        folder = self._paths.study_dir / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _compare_all(self, prepared: Mapping[str, _Prepared]) -> list[GroupResult]:
        """Compares the cells of each group, and those without the baseline with another group's."""
        results: dict[str, GroupResult] = {}
        predictions: dict[str, str] = {}
        for group in self._plan.groups:
            result = GroupResult(
                group, self._trainings_of(group), error=self._errors.get(group.name)
            )
            if group.name in prepared:
                num_bytes = prepared[group.name].dataset_bytes
                result = dataclasses.replace(result, dataset_bytes=num_bytes)
                result = self._compare(prepared[group.name], result, predictions)
            of_dataset = results.get(group.cells[0].dataset)
            if of_dataset and {group.name, of_dataset.group.name} <= predictions.keys():
                result = self._compare_across(of_dataset, result, predictions)
            results[group.name] = result
        return list(results.values())

    def _trainings_of(self, group: Group) -> dict[str, tuple[Training, ...]]:
        return {
            cell.name: tuple(
                self._trainings[TrainingKey(group.name, cell, index)]
                for index in range(self._plan.num_seeds)
            )
            for cell in group.cells
        }

    def _compare(
        self, prepared: _Prepared, result: GroupResult, predictions: dict[str, str]
    ) -> GroupResult:
        """Runs the group's Evaluator on the cells of which every seed is done.

        Args:
          prepared: the group.
          result: what its trainings brought.
          predictions: takes where the group's predictions are.
        """
        cells, run, group = result.complete_cells(), prepared.run, prepared.group
        if not cells:
            return result
        try:
            if len(cells) < len(prepared.cells):
                run = self._compile(group, cells, run.run_id)
            outputs = self._run_here(group, run, "Evaluator")
            with tf.io.gfile.GFile(os.path.join(outputs["comparison"], COMPARISON_FILE)) as file:
                comparison = Comparison.from_json(file.read())
            folder = self._paths.study_dir / "reports" / group.name
            write_report(comparison, read_snapshot(self._paths.root), folder)
        except Exception as error:
            return dataclasses.replace(result, error=self._failure(error, group))
        predictions[group.name] = outputs["predictions"]
        baseline = group.baseline(cells)
        return dataclasses.replace(result, comparison=comparison, baseline=baseline)

    def _compare_across(
        self, main: GroupResult, result: GroupResult, predictions: Mapping[str, str]
    ) -> GroupResult:
        """Compares a group's cells with the baseline of the dataset's main group."""
        cells = result.complete_cells()
        baseline = main.baseline
        assert baseline is not None
        self._console.start_step(f"  {result.group.name}: beside {baseline.id}")
        across = compare_across(
            predictions[main.group.name],
            baseline.name,
            predictions[result.group.name],
            [cell.name for cell in cells],
            self._plan.num_seeds,
            self._config(result.group, cells).evaluator,
        )
        self._console.end_step("" if across else "other eval rows: not compared")
        if not across:
            return result
        return dataclasses.replace(result, across=across, baseline=baseline)


def run_local_study(plan: Plan, paths: RunPaths, console: Console, origin: Origin) -> StudyResult:
    """Runs a study on this machine; see `LocalStudy`."""
    return LocalStudy(plan, paths, console, origin).run()


def _timing(key: TrainingKey, record: TrainingRecord, seconds: float, plan: Plan) -> Timing:
    return Timing(
        group=key.group,
        cell=key.cell.name,
        seed_index=key.seed_index,
        architecture=key.cell.architecture,
        variant=key.cell.variant,
        device=key.cell.device,
        num_cores=plan.num_cores,
        parallel=plan.parallel,
        examples=record.eval_curve[-1].examples,
        train_examples_per_second=record.train_examples_per_second,
        seconds=seconds,
    )


def _dataset_bytes(quarantine_uri: str) -> int:
    with tf.io.gfile.GFile(os.path.join(quarantine_uri, SUMMARY)) as file:
        return int(json.loads(file.read())["version"]["num_bytes"])

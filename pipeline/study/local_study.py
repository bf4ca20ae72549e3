"""A study on this machine: rows, trainings side by side, comparisons."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from components.progress import report
from components.training_record import TrainingRecord, read_training_record
from pipeline.cause import cause_of
from pipeline.console import Console
from pipeline.lineage.records import Origin
from pipeline.paths import RunPaths
from pipeline.step_ids import trainer_id
from pipeline.stepwise_runner import new_run_id
from pipeline.study.board import Board
from pipeline.study.cells import Group
from pipeline.study.comparisons import compare_groups
from pipeline.study.dataset_size import dataset_bytes
from pipeline.study.devices import missing_devices
from pipeline.study.group_runs import GroupRuns, Prepared
from pipeline.study.journal import Timing, add_timing
from pipeline.study.plan import Plan, TrainingKey
from pipeline.study.result import GroupResult, StudyResult, Training
from pipeline.study.worker import Ended, Step
from pipeline.study.workers import Job, Workers

_PREPARED_STEPS = ("ExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator", "Transform")


class LocalStudy:
    """Runs a study: first all rows, then all trainings, then all comparisons.

    So trainings of all groups fill the cores together, and nothing else runs beside them. What has
    been done before is answered by TFX's cache, step by step.
    """

    def __init__(self, plan: Plan, paths: RunPaths, console: Console, origin: Origin) -> None:
        """Takes what to run; see `GroupRuns`."""
        self._runs = GroupRuns(plan, paths, console, origin)
        self._plan = plan
        self._paths = paths
        self._console = console
        self._trainings: dict[TrainingKey, Training] = {}
        self._errors: dict[str, str] = {}

    def run(self) -> StudyResult:
        """Returns how all trainings and comparisons ended; only what stops all of them is raised.

        Raises:
          RuntimeError: if the processes cannot be started.
        """
        plan = self._plan
        missing = missing_devices({cell.device for group in plan.groups for cell in group.cells})
        for key in plan.trainings:
            if key.cell.device in missing:
                self._trainings[key] = Training("skipped", missing[key.cell.device])
        prepared = [each for group in plan.groups if (each := self._prepare(group, missing))]
        self._train(prepared)
        by_name = {each.group.name: each for each in prepared}
        trained = [self._trained(group, by_name.get(group.name)) for group in plan.groups]
        return StudyResult(tuple(compare_groups(self._runs, trained, by_name)))

    def _prepare(self, group: Group, missing: Mapping[str, str]) -> Prepared | None:
        """Runs the steps before the trainers; if one fails, so have the group's cells."""
        cells = tuple(cell for cell in group.cells if cell.device not in missing)
        if not cells:
            return None
        try:
            run = self._runs.compile(group, cells, new_run_id())
            for step in _PREPARED_STEPS:
                outputs = self._runs.run_step(group, run, step)
                if step == "ExampleGen":
                    num_bytes = dataset_bytes(outputs["quarantine"])
        except Exception as error:
            self._errors[group.name] = self._runs.failure(error, group)
            for key in self._plan.trainings:
                if key.group == group.name:
                    self._trainings.setdefault(key, Training("failed", cause_of(error)))
            return None
        return Prepared(group, cells, run, num_bytes)

    def _train(self, prepared: Sequence[Prepared]) -> None:
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

    def _trained(self, group: Group, prepared: Prepared | None) -> GroupResult:
        trainings = {
            cell.name: tuple(
                self._trainings[TrainingKey(group.name, cell, index)]
                for index in range(self._plan.num_seeds)
            )
            for cell in group.cells
        }
        num_bytes = prepared.dataset_bytes if prepared else None
        return GroupResult(group, trainings, num_bytes, error=self._errors.get(group.name))


def run_local_study(plan: Plan, paths: RunPaths, console: Console, origin: Origin) -> StudyResult:
    """Runs a study on this machine; see `LocalStudy`.

    Raises:
      InputError: if the synthetic log cannot be written.
      RuntimeError: if the processes cannot be started.
    """
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

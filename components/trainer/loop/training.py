"""The training loop."""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import tensorflow as tf

from components.progress import report
from components.trainer.config import TrainerConfig
from components.trainer.curriculum import Frequencies
from components.trainer.devices import Devices, make_devices
from components.trainer.learning_rates import LearningRates
from components.trainer.loop.batches import Batches
from components.trainer.loop.best_weights import BestWeights
from components.trainer.loop.checkpoints import Checkpoints
from components.trainer.loop.divergence import click_rate, mean_weight
from components.trainer.loop.evaluated_rows import EvaluatedRows
from components.trainer.loop.evaluations import Evaluations
from components.trainer.loop.loss_watch import LossWatch
from components.trainer.loop.progress_line import ProgressLine
from components.trainer.loop.teaching import Teaching
from components.trainer.loop.training_logs import TrainingLogs
from components.trainer.loop.training_plan import TrainingPlan
from components.trainer.loop.training_state import TrainingState
from components.trainer.losses import RowLoss
from components.trainer.model import Dlrm
from components.trainer.train_step import TrainStep
from components.training_record import TrainingSummary


def train(
    network: Dlrm,
    config: TrainerConfig,
    files: Sequence[str],
    num_rows: int,
    *,
    validation_files: Sequence[str] = (),
    eval_files: Sequence[str] = (),
    devices: Devices | None = None,
    logs_dir: str | None = None,
    checkpoint_dir: str | None = None,
    frequencies: Frequencies | None = None,
    teaching: Teaching | None = None,
) -> TrainingSummary:
    """Trains a network in place.

    The same network, configuration and files give the same weights on one CPU, also if the training
    is killed and taken up again from a checkpoint.

    Args:
      network: its variables, made under `devices.scope()`, are updated.
      config: how to train.
      files: transformed Parquet files.
      num_rows: in all of them.
      validation_files: rows of the train split that are not in `files`; they decide when to stop
        and when to lower the learning rates.
      eval_files: evaluated on while training if there are no validation files; decide nothing.
      devices: where; None makes those of `config.device`.
      logs_dir: where TensorBoard's logs go; None writes none.
      checkpoint_dir: of this training alone, see `checkpoint_folder`. If it holds a checkpoint, the
        training goes on from there. None writes none.
      frequencies: of the ids, if `config` has a curriculum.
      teaching: what the teacher left, if `config` has one.

    Returns:
      what the steps took and how they went, those before a kill included.

    Raises:
      DivergedError: if the loss is not finite or diverges.
      InputError: if the checkpoint is damaged.
      ValueError: if `config` needs rows to evaluate on, frequencies or a teacher, and has none.
    """
    if config.evals_per_epoch and not (validation_files or eval_files):
        raise ValueError("evals_per_epoch: expected validation_files or eval_files, received none")
    if (config.curriculum.order == "random") != (frequencies is None):
        raise ValueError("curriculum: expected frequencies with it, and none without it")
    if bool(config.distillation.weight) != (teaching is not None):
        raise ValueError("distillation: expected what a teacher left with it, and none without it")
    devices = devices or make_devices(config.device)
    plan = TrainingPlan(config, num_rows)
    logs = TrainingLogs(logs_dir if devices.is_chief else None, config.profile_steps)
    best_weights = BestWeights(checkpoint_dir, network, devices.is_chief)
    try:
        with tempfile.TemporaryDirectory() as scratch, devices.scope():
            weight = mean_weight(files, config.negative_weight)
            step = TrainStep(network, config, plan.num_steps, devices.jit_compile, weight)
            checkpoints = Checkpoints(checkpoint_dir, step, config, devices.is_chief)
            state = _state_to_start_from(checkpoints, plan, files, teaching, logs)
            teacher_files = teaching.files if teaching else ()
            batches = Batches(files, plan, devices, step, frequencies, teacher_files)
            # Iterators start to read at once, so this one is the first epoch's too.
            first_batches = batches.after_step(state.step)
            start_seconds = time.monotonic()
            run_steps = devices.compile_loop(step, first_batches)
            trace_seconds = time.monotonic() - start_seconds
            checkpoints.restore()
            splits = (files, validation_files, eval_files)
            rows = EvaluatedRows.of_training(network, config, devices, *splits, scratch)
            settled = max(e.storage.settled_from for e in network.tables.embeddings)
            evaluations = Evaluations(
                state, plan, rows, step, best_weights, logs, plan.step_at(settled)
            )
            watch = LossWatch(state, plan, LearningRates(step), logs)
            parts = (watch, evaluations, checkpoints, logs)
            _Loop(network, plan, state, batches, run_steps, *parts).run(first_batches)
            exported_step = evaluations.restore_best()
            embedding_bytes = step.embedding_bytes
    finally:
        logs.close()
        best_weights.remove_temporary()
    split: Literal["validation", "eval"] = "validation" if validation_files else "eval"
    summary = _summarize(state, plan, trace_seconds, exported_step, split, embedding_bytes)
    teacher_seconds = teaching.seconds if teaching else 0.0
    return summary.model_copy(update={"teacher_seconds": teacher_seconds})


@dataclass(frozen=True)
class _Loop:
    """Runs steps; everything else happens in pauses between them."""

    network: Dlrm
    plan: TrainingPlan
    state: TrainingState
    batches: Batches
    run_steps: Callable[[Any, int], tf.Tensor]
    watch: LossWatch
    evaluations: Evaluations
    checkpoints: Checkpoints
    logs: TrainingLogs

    def run(self, first_batches: Any) -> None:
        """Takes the steps that are left.

        Args:
          first_batches: an iterator over the batches that are left of the first epoch.
        """
        progress = ProgressLine(self.state, self.plan)
        self.state.stopwatch.start()
        batches = first_batches
        while not self._is_over():
            self._run_epoch(batches or self.batches.after_step(self.state.step), progress)
            batches = None

    def _is_over(self) -> bool:
        return self.state.step >= self.plan.num_steps or self.evaluations.is_over()

    def _run_epoch(self, batches: Any, progress: ProgressLine) -> None:
        """Takes the steps that are left of an epoch; its last one is always a pause."""
        if self.plan.resets_tables_after(self.state.step):
            self.batches.train_step.reset_tables()
        step, pause_step = self.state.step, self._next_pause()
        epoch = step // self.plan.steps_per_epoch
        while step // self.plan.steps_per_epoch == epoch:
            num_steps = min(pause_step - step, self._max_steps())
            self.watch.add(self.run_steps(batches, num_steps))
            step += num_steps
            if step == pause_step or time.monotonic() >= progress.due_seconds:
                self._pause(step)
                progress.report_if_due()
                if self._is_over():
                    return
                pause_step = self._next_pause()

    def _max_steps(self) -> int:
        """How many steps may run before Python sees the clock: about a quarter of a second's."""
        config = self.plan.config
        if config.device == "multi_worker":  # all workers take as many, and their clocks differ
            return config.steps_per_execution
        steps_per_second = self.state.stopwatch.examples_per_second() / config.batch_size
        return max(1, min(config.steps_per_execution, int(steps_per_second / 4)))

    def _next_pause(self) -> int:
        """The next step after which something is due, whatever the clock says."""
        step, steps_per_epoch = self.state.step, self.plan.steps_per_epoch
        due = (
            (step // steps_per_epoch + 1) * steps_per_epoch,
            None if self.state.stopwatch.has_lap else step + 1,
            self.plan.next_evaluation(step),
            self.plan.next_maintenance(step, self.network.tables.maintenance),
            self.checkpoints.next_step(step),
            self.logs.next_profile_step(step),
        )
        return min(each for each in due if each is not None)

    def _pause(self, step: int) -> None:
        """Does what is due after `step`; the time it takes is not that of the steps."""
        state, plan = self.state, self.plan
        self.watch.read()
        for progress in plan.due_maintenance(step, self.network.tables.maintenance):
            self.network.tables.maintain(progress)
        num_examples = plan.num_examples(step) - plan.num_examples(state.step)
        state.step = step
        state.stopwatch.stop(num_examples)
        self.watch.log()
        self.evaluations.run_if_due(self.checkpoints.saved_best_step)
        if step % plan.steps_per_epoch == 0:
            self.logs.histograms(step, self.network.trainable_variables)
        self.logs.profile(step)
        self.checkpoints.save_if_due(state)
        state.stopwatch.start()


def _state_to_start_from(
    checkpoints: Checkpoints,
    plan: TrainingPlan,
    files: Sequence[str],
    teaching: Teaching | None,
    logs: TrainingLogs,
) -> TrainingState:
    """The state of the newest checkpoint, else that before the first step."""
    state = checkpoints.find()
    if state is None:
        config = plan.config
        loss = RowLoss(config.loss, config.distillation)
        of_teacher = teaching.mean_probability if teaching else None
        rates = (click_rate(files, config.negative_weight), of_teacher)
        return TrainingState.at_start(plan, loss.constant_loss(*rates), loss.untrained_loss(*rates))
    state.resumed_steps.append(state.step)
    report(f"{plan.config.variant}: going on after step {state.step:,} of {plan.num_steps:,}")
    for point in state.losses.points:
        logs.train_scalars(point.step, {"loss": point.loss})
    for evaluation in state.evals:
        logs.evaluation(evaluation)
    return state


def _summarize(
    state: TrainingState,
    plan: TrainingPlan,
    trace_seconds: float,
    exported_step: int,
    evaluated_rows: Literal["validation", "eval"],
    embedding_bytes: int,
) -> TrainingSummary:
    best = min(state.evals, key=lambda evaluation: evaluation.logloss, default=None)
    return TrainingSummary(
        train_steps=state.step,
        trace_seconds=trace_seconds,
        train_seconds=state.stopwatch.seconds,
        train_examples_per_second=state.stopwatch.examples_per_second(),
        final_train_loss=state.losses.recent_mean(),
        loss_curve=tuple(state.losses.points),
        eval_curve=tuple(state.evals),
        eval_curve_rows=evaluated_rows if state.evals else None,
        evaluation_seconds=state.evaluation_seconds,
        checkpoint_seconds=state.checkpoint_seconds,
        best_step=best.step if best else None,
        exported_step=exported_step,
        stop_reason="last_step" if state.step == plan.num_steps else "early_stopping",
        embedding_training_bytes=embedding_bytes,
        resumed_steps=tuple(state.resumed_steps),
    )

"""The evaluations of a training, and what follows from them."""

import math
import time

from components.trainer.evaluation import LOGLOSS
from components.trainer.learning_rates import LearningRates
from components.trainer.loop.best_weights import BestWeights
from components.trainer.loop.divergence import DivergedError
from components.trainer.loop.evaluated_rows import EvaluatedRows
from components.trainer.loop.training_logs import TrainingLogs
from components.trainer.loop.training_plan import TrainingPlan
from components.trainer.loop.training_state import TrainingState
from components.trainer.train_step import TrainStep
from components.training_record import EvalPoint


class Evaluations:
    """Computes figures, keeps the best weights, lowers the learning rates, says when to stop.

    Early stopping and reduce-on-plateau count the evaluations apart: after a reduction the one
    starts again, the other does not.
    """

    def __init__(
        self,
        state: TrainingState,
        plan: TrainingPlan,
        rows: EvaluatedRows | None,
        train_step: TrainStep,
        best_weights: BestWeights,
        logs: TrainingLogs,
        judged_from: int = 0,
    ) -> None:
        """Takes what the evaluations need.

        Args:
          state: is updated.
          plan: of the training.
          rows: to evaluate on; None if the plan has no evaluations.
          train_step: its learning rates are lowered.
          best_weights: keep the weights.
          logs: take the figures.
          judged_from: evaluations after earlier steps decide nothing.
        """
        self._state = state
        self._config = plan.config
        self._plan = plan
        self._rows = rows
        self._train_step = train_step
        self._best_weights = best_weights
        self._logs = logs
        self._judged_from = judged_from

    def is_over(self) -> bool:
        """Returns whether patience has run out."""
        patience = self._config.early_stopping.patience
        return bool(patience) and self._state.early_stopping.num_worse >= patience

    def run_if_due(self, checkpointed_best_step: int | None) -> None:
        """Evaluates if the plan says so after the last finished step.

        Args:
          checkpointed_best_step: the best step that the newest checkpoint knows of.

        Raises:
          DivergedError: if the logloss is not finite.
        """
        state = self._state
        if self._rows is None or state.step not in self._plan.evaluated_steps:
            return
        start_seconds = time.monotonic()
        metrics = self._rows.held_out()
        logloss = metrics.pop(LOGLOSS)
        train_metrics = self._rows.trained_on() if self._rows.trained_on else {}
        state.evaluation_seconds += time.monotonic() - start_seconds
        if not math.isfinite(logloss):
            where = LearningRates(self._train_step).describe(state.step)
            raise DivergedError(
                f"the logloss of variant {self._config.variant} on the rows to evaluate on is "
                f"{logloss} {where}: look for extreme values in them"
            )
        point = EvalPoint(
            step=state.step,
            examples=self._plan.num_examples(state.step),
            train_seconds=state.stopwatch.seconds,
            logloss=logloss,
            metrics=metrics,
            train_metrics=train_metrics,
        )
        state.evals.append(point)
        self._logs.evaluation(point)
        if point.step >= self._judged_from:
            self._keep_if_best(point, checkpointed_best_step)
            self._reduce_on_plateau(point)

    def restore_best(self) -> int:
        """Sets the network to its best weights, if they are kept; returns after which step."""
        best_step = self._state.early_stopping.best_step
        if best_step is None:
            return self._state.step
        self._best_weights.restore(best_step)
        return best_step

    def _keep_if_best(self, point: EvalPoint, checkpointed_best_step: int | None) -> None:
        config, patience = self._config.early_stopping, self._state.early_stopping
        if config.patience and patience.add(point, config.min_improvement):
            start_seconds = time.monotonic()
            self._best_weights.save(point.step, checkpointed_best_step)
            self._state.checkpoint_seconds += time.monotonic() - start_seconds

    def _reduce_on_plateau(self, point: EvalPoint) -> None:
        config, patience = self._config.reduce_on_plateau, self._state.plateau
        if not config.patience or patience.add(point, config.min_improvement):
            return
        if patience.num_worse >= config.patience:
            patience.reset()
            factor = self._train_step.learning_rate_factor
            factor.assign(max(float(factor.numpy()) * config.factor, config.min_factor))

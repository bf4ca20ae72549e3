"""What a training knows besides its variables; a checkpoint holds it as JSON."""

import math

from pydantic import BaseModel, Field

from components.trainer.loop.divergence import DivergenceCheck
from components.trainer.loop.stopping import Patience
from components.trainer.loop.stopwatch import Stopwatch
from components.trainer.loop.training_plan import TrainingPlan
from components.training_record import EvalPoint, LossPoint

_MAX_CURVE_POINTS = 200
_LAST_LOSSES = 100


class LossHistory(BaseModel):
    """The losses of all steps, in few numbers.

    They are those of `TrainerConfig.loss`.

    Attributes:
      interval_steps: the steps of a point of the curve.
      num_steps: how many losses were added.
      points: the curve.
      last_losses: the last 100 losses.
      open_sum: of the losses since the last point.
      open_steps: how many they are.
      divergence: has seen them all.
    """

    interval_steps: int
    divergence: DivergenceCheck
    num_steps: int = 0
    points: list[LossPoint] = Field(default_factory=list)
    last_losses: list[float] = Field(default_factory=list)
    open_sum: float = 0.0
    open_steps: int = 0

    def add(self, loss: float, plan: TrainingPlan) -> None:
        """Takes the finite loss of the next step."""
        self.num_steps += 1
        self.last_losses.append(loss)
        if len(self.last_losses) > 2 * _LAST_LOSSES:
            del self.last_losses[:-_LAST_LOSSES]
        self.open_sum += loss
        self.open_steps += 1
        if self.num_steps % self.interval_steps == 0 or self.num_steps == plan.num_steps:
            mean = self.open_sum / self.open_steps
            examples = plan.num_examples(self.num_steps)
            self.points.append(LossPoint(step=self.num_steps, examples=examples, loss=mean))
            self.open_sum, self.open_steps = 0.0, 0

    def recent_mean(self) -> float:
        """Returns the mean of the last 100 losses."""
        last = self.last_losses[-_LAST_LOSSES:]
        return math.fsum(last) / len(last)


class TrainingState(BaseModel):
    """Where a training stands after its last finished step.

    Attributes:
      step: the finished steps.
      stopwatch: their time.
      losses: their losses.
      evals: the evaluations so far.
      early_stopping: its patience.
      plateau: the patience of reduce-on-plateau.
      evaluation_seconds: wall time of the evaluations.
      checkpoint_seconds: wall time of writing weights to disk.
      resumed_steps: after which steps a killed training was taken up again.
    """

    losses: LossHistory
    step: int = 0
    stopwatch: Stopwatch = Field(default_factory=Stopwatch)
    evals: list[EvalPoint] = Field(default_factory=list)
    early_stopping: Patience = Field(default_factory=Patience)
    plateau: Patience = Field(default_factory=Patience)
    evaluation_seconds: float = 0.0
    checkpoint_seconds: float = 0.0
    resumed_steps: list[int] = Field(default_factory=list)

    @classmethod
    def at_start(
        cls, plan: TrainingPlan, constant_loss: float, untrained_loss: float = math.log(2.0)
    ) -> "TrainingState":
        """Makes the state before the first step.

        Args:
          plan: of the training.
          constant_loss: of the constant prediction.
          untrained_loss: of an untrained network.
        """
        check = DivergenceCheck.of_training(constant_loss, plan.num_steps, untrained_loss)
        interval_steps = math.ceil(plan.num_steps / _MAX_CURVE_POINTS)
        return cls(losses=LossHistory(interval_steps=interval_steps, divergence=check))

"""Patience with a logloss that does not fall."""

from pydantic import BaseModel

from components.training_record import EvalPoint


class Patience(BaseModel):
    """Counts the evaluations without a better logloss.

    Attributes:
      best_step: of the best evaluation; None before the first.
      best_logloss: its logloss, nats.
      num_worse: evaluations on end that were not better; `reset` sets it to 0.
    """

    best_step: int | None = None
    best_logloss: float | None = None
    num_worse: int = 0

    def add(self, evaluation: EvalPoint, min_improvement: float) -> bool:
        """Takes an evaluation; returns whether it is the best so far.

        Args:
          evaluation: the next one.
          min_improvement: how much lower (nats) than the best one it must be.
        """
        logloss = evaluation.logloss
        if self.best_logloss is None or logloss < self.best_logloss - min_improvement:
            self.best_step, self.best_logloss, self.num_worse = evaluation.step, logloss, 0
            return True
        self.num_worse += 1
        return False

    def reset(self) -> None:
        """Counts from 0 again; the best logloss stays."""
        self.num_worse = 0

"""What a training says about itself while it runs."""

import time

from components.progress import report
from components.trainer.loop.training_plan import TrainingPlan
from components.trainer.loop.training_state import TrainingState

_REPORT_SECONDS = 0.5


class ProgressLine:
    """Reports epoch, step, loss, rate and time left, at most twice a second."""

    def __init__(self, state: TrainingState, plan: TrainingPlan) -> None:
        """Takes what to report."""
        self._state = state
        self._plan = plan
        self.due_seconds = time.monotonic() + _REPORT_SECONDS

    def report_if_due(self) -> None:
        """Reports if half a second has gone by; `due_seconds`, by the monotonic clock, moves on."""
        now = time.monotonic()
        if now < self.due_seconds:
            return
        self.due_seconds = now + _REPORT_SECONDS
        state, plan = self._state, self._plan
        epoch = -(-state.step // plan.steps_per_epoch)
        rate = state.stopwatch.examples_per_second()
        num_left = plan.num_examples(plan.num_steps) - plan.num_examples(state.step)
        logloss = f", logloss {state.evals[-1].logloss:.4f}" if state.evals else ""
        report(
            f"epoch {epoch}/{plan.config.epochs}, step {state.step:,}/{plan.num_steps:,}, "
            f"loss {state.losses.recent_mean():.4f}{logloss}, {rate:,.0f} examples/s, "
            f"{format_seconds(num_left / rate)} left"
        )


def format_seconds(seconds: float) -> str:
    """Returns a duration in its two largest units: `"45 s"`, `"3 min 20 s"`, `"2 h 5 min"`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"

"""Configuration of the order of the rows at the start of a training."""

from typing import Literal

from pydantic import Field

from schemas.step_config import StepConfig


class CurriculumConfig(StepConfig):
    """In which order the first rows come (Bengio et al. 2009, "Curriculum Learning").

    Here a row is easy if its ids are frequent: its score is the mean, over the categorical
    features, of log(count of the row's id in the train split). While less than `fraction` of the
    steps of the first epoch are taken, each window of `trainer.shuffle_window_rows` rows begins
    with its rows of the highest score ("frequent_first") or the lowest ("rare_first"), in that
    order; equal scores are shuffled. So the order is that of all rows only if the window holds them
    all. After that, also inside of the window in which it happens, rows come at random. Each row
    comes once an epoch, as without a curriculum.

    Attributes:
      order: `"random"` has no curriculum.
      fraction: of the steps of the first epoch.
    """

    order: Literal["random", "frequent_first", "rare_first"] = "random"
    fraction: float = Field(default=0.5, gt=0, le=1)

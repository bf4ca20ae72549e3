"""What a study comes to on a machine: its trainings, and how many run at once."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from components.trainer.tuning.memory import free_bytes
from pipeline.paths import RunPaths
from pipeline.study.cells import Cell, Group
from pipeline.study.config import StudyConfig
from pipeline.study.estimate import log_rows
from pipeline.study.grid import make_groups
from pipeline.study.journal import Timing, read_timings

# TensorFlow and TFX take 0.8 GB; the rest is for rows, tables and what the optimizer keeps.
_TRAINING_BYTES = 2 * 10**9


class TrainingKey(NamedTuple):
    """One seed of a cell of a group."""

    group: str
    cell: Cell
    seed_index: int


@dataclass(frozen=True)
class Plan:
    """A study on this machine.

    Attributes:
      groups: of cells.
      num_seeds: trainings of each cell.
      data: pattern of raw logs; None is the synthetic one.
      parallel: trainings at once.
      total_cores: of this machine.
      log_rows: of the whole log, about.
      timings: of earlier trainings.
    """

    groups: tuple[Group, ...]
    num_seeds: int
    data: str | None
    parallel: int
    total_cores: int
    log_rows: int
    timings: tuple[Timing, ...]

    @property
    def num_cores(self) -> float:
        """Cores of a training."""
        return self.total_cores / self.parallel

    @property
    def num_threads(self) -> int:
        """Threads of each of TensorFlow's pools in a training."""
        return max(1, self.total_cores // self.parallel)

    @cached_property
    def trainings(self) -> tuple[TrainingKey, ...]:
        """All trainings, in the study's order."""
        return tuple(
            TrainingKey(group.name, cell, index)
            for group in self.groups
            for cell in group.cells
            for index in range(self.num_seeds)
        )

    def group_of(self, key: TrainingKey) -> Group:
        """Returns a training's group."""
        return next(group for group in self.groups if group.name == key.group)

    @staticmethod
    def journal_path(paths: RunPaths) -> Path:
        """Returns where the timings are kept."""
        return paths.study_dir / "timings.jsonl"


def make_plan(study: StudyConfig, source: str, paths: RunPaths, parallel: int | None) -> Plan:
    """Lists the trainings of a study and says how many run at once.

    Args:
      study: the study.
      source: where it comes from, for messages.
      paths: where it runs; nothing is written.
      parallel: trainings at once; None is the study's, and without one follows from cores and
        free memory.

    Raises:
      InputError: as `make_groups`, or if the log is not there.
    """
    groups = make_groups(study, source)
    num_trainings = study.seeds * sum(len(group.cells) for group in groups)
    cores = len(os.sched_getaffinity(0))
    at_once = parallel or study.parallel or max(1, min(cores, free_bytes() // _TRAINING_BYTES))
    return Plan(
        groups=tuple(groups),
        num_seeds=study.seeds,
        data=study.data,
        parallel=min(at_once, num_trainings),
        total_cores=cores,
        log_rows=log_rows(study.data, groups[0].cells_config.synthetic),
        timings=tuple(read_timings(Plan.journal_path(paths))),
    )

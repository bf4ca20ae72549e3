"""How long a study takes: measured where trainings have ended, assumed elsewhere."""

import glob
import heapq
import math
import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from components.errors import InputError
from components.synthetic.click_log import SyntheticConfig
from pipeline.config import PipelineConfig
from pipeline.study.cells import Cell, Group
from pipeline.study.journal import Timing
from pipeline.vertex.cost.durations import (
    BYTES_PER_ROW,
    beam_core_seconds,
    training_examples,
    training_hours,
)

# Of spans and dates, see `components/example_gen/spans.py`; all of them are counted.
_PLACEHOLDER = re.compile(r"\{[A-Z]+(:\d+)?\}")
# Of a compressed log, about.
_COMPRESSION = 3
_COMPRESSED = (".gz", ".zst")
# Tracing, evaluations, the export: what a training takes besides its steps, where none has ended.
FIXED_SECONDS = 15.0
# A process imports TensorFlow and TFX.
START_SECONDS = 20.0
_PREPARED = ("ExampleGen", "StatisticsGen", "Transform")


class Estimate(NamedTuple):
    """How long something takes, and how that is known.

    Attributes:
      seconds: wall time.
      basis: `"measured"` on this very cell, `"from others"` with the measured speed of other
        cells, or `"assumed"` from `docs/performance.md`.
    """

    seconds: float
    basis: str


@dataclass(frozen=True)
class Estimator:
    """Estimates trainings.

    Attributes:
      timings: of trainings that have ended; those with another number of cores do not count.
      num_cores: of a training.
      log_rows: of the whole log.
    """

    timings: Sequence[Timing]
    num_cores: float
    log_rows: int

    def training(self, group: Group, cell: Cell) -> Estimate:
        """Returns how long one seed of a cell takes."""
        mine = (group.name, cell.name)
        of_device = [
            timing
            for timing in self.timings
            if (timing.device, timing.num_cores) == (cell.device, self.num_cores)
        ]
        same = [timing.seconds for timing in of_device if (timing.group, timing.cell) == mine]
        if same:
            return Estimate(statistics.median(same), "measured")
        trainer = group.trainer_configs[cell.name]
        if not of_device:
            hours = training_hours(
                group.cells_config, trainer, self.log_rows, max(1, int(self.num_cores))
            )
            seconds = 3600 * math.sqrt(hours.low * hours.high)
            return Estimate(FIXED_SECONDS + seconds, "assumed")
        kind = (cell.architecture, cell.variant)
        like = [timing for timing in of_device if (timing.architecture, timing.variant) == kind]
        like = like or of_device
        examples = training_examples(group.cells_config, trainer, self.log_rows)
        speed = statistics.median(timing.train_examples_per_second for timing in like)
        fixed = statistics.median(timing.fixed_seconds for timing in like)
        return Estimate(fixed + examples / speed, "from others")

    def other_steps(self, config: PipelineConfig, num_cores: int) -> float:
        """Returns how long the steps before and after the trainers take, seconds."""
        seconds = 0.0
        for step in (*_PREPARED, "Evaluator"):
            work = beam_core_seconds(step, config, self.log_rows)
            cores = 1 if step == "StatisticsGen" else num_cores
            seconds += 2.0 + math.sqrt(work.low * work.high) / cores
        return seconds


def total_seconds(seconds: Iterable[float], parallel: int) -> float:
    """Returns how long trainings take, `parallel` at once, the longest first."""
    ends = [0.0] * parallel
    for each in sorted(seconds, reverse=True):
        heapq.heapreplace(ends, ends[0] + each)
    return max(ends)


def log_rows(data: str | None, synthetic: SyntheticConfig) -> int:
    """Returns about how many rows a log has, without reading it.

    Args:
      data: pattern of its files; None is the synthetic one.
      synthetic: of the log that is generated.

    Raises:
      InputError: if no local file matches the pattern.
    """
    if data is None:
        return synthetic.rows or int((synthetic.megabytes or 0) * 1e6 / BYTES_PER_ROW)
    if "://" in data:
        raise InputError(f"data {data}: only logs of this machine can be estimated")
    pattern = _PLACEHOLDER.sub("*", data)
    files = [Path(name) for name in glob.glob(pattern)]  # noqa: PTH207
    if not files:
        raise InputError(f"data: expected files, but {data} matches none")
    num_bytes = sum(
        file.stat().st_size * (_COMPRESSION if file.suffix in _COMPRESSED else 1) for file in files
    )
    return num_bytes // BYTES_PER_ROW

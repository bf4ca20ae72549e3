"""How long the steps of a run take, from what was measured on two cores.

The figures are those of `docs/performance.md`: rows of Criteo's layout on a 2.6 GHz Xeon. Nothing
was measured on Google's machines, so every duration is a range. Its low end takes the measured
speed and lets it grow with the number of vCPUs; its high end says below what it allows for.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

from components.trainer.config import TrainerConfig
from pipeline.config import PipelineConfig

BYTES_PER_ROW = 243  # of a generated log in Criteo's format
BEAM_STEPS = ("ExampleGen", "StatisticsGen", "Transform", "Evaluator")
# A machine is found, the image fetched, TensorFlow and TFX imported.
START_HOURS = (3 / 60, 10 / 60)

# Rows a core and second: of a log of 1 GB, and of one of 100 MB, where fixed costs weigh more.
_ROWS_PER_CORE_SECOND = {
    "ExampleGen": (257_000, 171_000),
    "StatisticsGen": (152_000, 71_000),
    "Transform": (141_000, 76_000),
}
# Core seconds an example: 17.2e-6 for a network of 0.75 million operations, 133.5e-6 for 14 million
# (MLPerf's), so a fixed part and one in proportion.
_SECONDS_PER_EXAMPLE = 10.6e-6
_SECONDS_PER_OPERATION = 8.8e-12
# Small batches, evaluations between, methods that compute much.
_SLOWER_TRAINING = 3
# More vCPUs than that gave nothing that was measured.
_MAX_PROVEN_VCPUS = 4
# Of the Evaluator, a row and model: predictions, metrics and slices; and each resample.
_SECONDS_PER_PREDICTION = 10.2e-6
_SECONDS_PER_RESAMPLE = 6e-9


@dataclass(frozen=True)
class Range:
    """A low and a high end, in one unit.

    Attributes:
      low: if all goes as measured.
      high: what should not be exceeded.
    """

    low: float
    high: float

    def __add__(self, other: "Range") -> "Range":
        """Adds both ends."""
        return Range(self.low + other.low, self.high + other.high)

    def times(self, factor: float) -> "Range":
        """Returns both ends times a factor."""
        return Range(self.low * factor, self.high * factor)


def beam_core_seconds(step: str, config: PipelineConfig, rows: int) -> Range:
    """Returns the work of one of `BEAM_STEPS`, seconds of one core."""
    if step == "Evaluator":
        models = len(config.variants) * config.seeds
        a_row = _SECONDS_PER_PREDICTION + _SECONDS_PER_RESAMPLE * config.evaluator.num_resamples
        seconds = _eval_rows(config, rows) * models * a_row
        return Range(seconds, 2 * seconds)
    if step != "ExampleGen":  # which reads all rows, whatever it keeps
        rows = _kept_rows(config, rows)
    fast, slow = _ROWS_PER_CORE_SECOND[step]
    return Range(rows / fast, rows / slow)


def own_hours(step: str, config: PipelineConfig, rows: int, vcpus: int) -> Range:
    """Returns how long a step works in its own container, without Dataflow and the start.

    Args:
      step: its id.
      config: of the run.
      rows: of the raw log.
      vcpus: of the container.
    """
    seconds = Range(1, 30)
    if step in BEAM_STEPS:
        work = beam_core_seconds(step, config, rows)
        if step == "StatisticsGen":
            vcpus = 1  # TFDV is Python and holds its lock
        seconds = Range(work.low / vcpus, work.high / min(vcpus, _MAX_PROVEN_VCPUS))
    if step == "Evaluator":
        latency = config.evaluator.latency
        models = len(config.variants) * config.seeds
        timed = models * len(latency.batch_sizes) * latency.seconds
        seconds += Range(timed, 2 * timed)
    return seconds.times(1 / 3600)


def training_hours(config: PipelineConfig, trainer: TrainerConfig, rows: int, vcpus: int) -> Range:
    """Returns how long one trainer trains on CPUs, without the start."""
    return _training_hours(config, trainer, training_examples(config, trainer, rows), vcpus)


def training_examples(config: PipelineConfig, trainer: TrainerConfig, rows: int) -> float:
    """Returns the rows that one trainer is fed with, once for each epoch."""
    return trainer.epochs * (_kept_rows(config, rows) - _eval_rows(config, rows))


def tuning_hours(config: PipelineConfig, rows: int, vcpus: int) -> Range:
    """Returns how long the tuner takes on CPUs with one worker; there must be a tuner."""
    assert config.tuner is not None
    tuner, trainer = config.tuner, config.tuned_trainer()
    used = _kept_rows(config, rows) - _eval_rows(config, rows)
    used = min(used, tuner.max_rows or used)
    trainings = tuner.search.max_trials if tuner.search else 0
    if tuner.batch_sizes:
        doublings = tuner.batch_sizes.max_batch_size / tuner.batch_sizes.min_batch_size
        trainings += math.floor(math.log2(doublings)) + 1
    examples = trainings * tuner.num_seeds * trainer.epochs * used
    if tuner.learning_rate_range:
        points = tuner.learning_rate_range
        steps = points.num_points * points.steps_per_point * points.num_seeds
        examples += steps * trainer.batch_size
    return _training_hours(config, trainer, examples, vcpus)


def operations_per_example(config: PipelineConfig, trainer: TrainerConfig) -> int:
    """Returns the multiplications and additions of a training step, for one example.

    Six for each weight of the MLPs, forward and backward, and as many for each product of the
    interaction.
    """
    dense = len(config.click_log.dense_features)
    dim = trainer.embedding_dim
    vectors = len(config.click_log.categorical_features) + 1
    bottom = [dense, *trainer.bottom_mlp, dim]
    if trainer.interaction == "dot":
        interacted = dim + vectors * (vectors - 1) // 2
        products = vectors * vectors * dim
    else:
        interacted = width = vectors * dim
        inner = trainer.cross_projection_dim
        products = trainer.num_cross_layers * (2 * width * inner if inner else width * width)
    top = [interacted, *trainer.top_mlp, 1]
    weights = sum(a * b for layers in (bottom, top) for a, b in pairwise(layers))
    return 6 * (weights + products)


def _training_hours(
    config: PipelineConfig, trainer: TrainerConfig, examples: float, vcpus: int
) -> Range:
    operations = operations_per_example(config, trainer)
    seconds = examples * (_SECONDS_PER_EXAMPLE + _SECONDS_PER_OPERATION * operations)
    slow = _SLOWER_TRAINING * seconds / min(vcpus, _MAX_PROVEN_VCPUS)
    return Range(seconds / vcpus, slow).times(1 / 3600)


def _kept_rows(config: PipelineConfig, rows: int) -> int:
    megabytes = config.example_gen.size_megabytes
    return rows if megabytes is None else min(rows, int(megabytes * 1e6 / BYTES_PER_ROW))


def _eval_rows(config: PipelineConfig, rows: int) -> float:
    return _kept_rows(config, rows) * config.example_gen.split.eval_fraction

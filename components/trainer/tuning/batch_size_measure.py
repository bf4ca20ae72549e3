"""One training with one batch size, measured; in a process of its own where memory is the CPU's."""

import math

import tensorflow as tf
from pydantic import BaseModel, ConfigDict

from components.features import Features
from components.trainer.config import TrainerConfig
from components.trainer.loop.divergence import DivergedError
from components.trainer.tuning.memory import peak_bytes
from components.trainer.tuning.rows import TuningRows
from components.trainer.tuning.trials import train_seeds


class Measurement(BaseModel):
    """What is to be measured.

    Attributes:
      config: with the batch size.
      num_seeds: trainings, one after the other.
      transform_graph_uri: of the rows, as all that follows; see `TuningRows`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: TrainerConfig
    num_seeds: int
    transform_graph_uri: str
    features: Features
    train_files: tuple[str, ...]
    held_out_files: tuple[str, ...]
    num_train_rows: int
    num_held_out_rows: int
    folder: str

    def rows(self) -> TuningRows:
        """Returns the rows."""
        names = TuningRows.__dataclass_fields__
        return TuningRows(**{name: getattr(self, name) for name in names})


class Measured(BaseModel):
    """What came out; `BatchSizeResult` describes the fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    train_examples_per_second: float | None = None
    peak_memory_bytes: int | None = None
    logloss: float | None = None
    out_of_memory: str = ""


def measure(measurement: Measurement) -> Measured:
    """Trains and evaluates in this process."""
    accelerators = _accelerators()
    for name in accelerators:
        tf.config.experimental.reset_memory_stats(name)
    logloss, examples_per_second = math.nan, None
    try:
        logloss, examples_per_second = train_seeds(
            measurement.config, measurement.rows(), measurement.num_seeds
        )
    except DivergedError:
        pass  # is a result: no logloss
    except tf.errors.ResourceExhaustedError as error:
        return Measured(out_of_memory=str(error).splitlines()[0])
    except MemoryError as error:
        return Measured(out_of_memory=f"MemoryError {error}".strip())
    return Measured(
        train_examples_per_second=examples_per_second,
        peak_memory_bytes=_peak_bytes(accelerators),
        logloss=logloss if math.isfinite(logloss) else None,
    )


def _accelerators() -> list[str]:
    devices = tf.config.list_logical_devices()
    return [device.name for device in devices if device.device_type == "GPU"]


def _peak_bytes(accelerators: list[str]) -> int:
    if not accelerators:
        return peak_bytes()
    info = tf.config.experimental.get_memory_info
    return sum(info(name)["peak"] for name in accelerators)

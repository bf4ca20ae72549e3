"""The process that times the exported models and does nothing else.

`python -m components.evaluator.latency.process FOLDER` reads a `Task` and the raw rows from the
folder and writes there, as JSON, variant -> for each batch size the nanoseconds of its calls.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import tensorflow as tf
from pydantic import BaseModel, ConfigDict

from components.evaluator.config import LatencyConfig
from components.evaluator.latency.calls import (
    NUM_ROUNDS,
    flat_call,
    make_batches,
    time_calls,
    warm_up,
)
from components.parquet import read_table

TASK, ROWS, RESULT, PROGRESS = "task.json", "rows.parquet", "result.json", "progress"

Nanoseconds = dict[str, list[list[int]]]


class Task(BaseModel):
    """What to time.

    Attributes:
      model_paths: variant -> the folder that holds `saved_model.pb`.
      config: how.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model_paths: dict[str, str]
    config: LatencyConfig


def time_models(task: Task, rows: pa.Table, say: Callable[[str], object]) -> Nanoseconds:
    """Loads the models and times them.

    Args:
      task: what to time.
      rows: raw ones, one or more.
      say: is told what goes on.

    Returns:
      variant -> for each batch size the nanoseconds of its calls.
    """
    models, total = {}, len(task.model_paths)
    for number, (name, path) in enumerate(task.model_paths.items(), start=1):
        say(f"loading model {number} of {total}: {name}")
        models[name] = tf.saved_model.load(path)
    calls = {name: flat_call(model) for name, model in models.items()}
    result: Nanoseconds = {name: [] for name in calls}
    for size in task.config.batch_sizes:
        batches = make_batches(rows, size)
        for name, call in calls.items():
            say(f"batch {size}: warming {name} up")
            warm_up(call, batches)

        def say_round(number: int, size: int = size) -> None:
            say(f"batch {size}: round {number} of {NUM_ROUNDS}")

        timed = time_calls(calls, batches, task.config.seconds, task.config.max_calls, say_round)
        for name, nanoseconds in timed.items():
            result[name].append(nanoseconds)
    return result


def main(folder: Path) -> None:
    """Times what the folder says."""
    # The models are compared as CPUs serve them; a GPU may be taken by the process that asks.
    tf.config.set_visible_devices([], "GPU")
    task = Task.model_validate_json((folder / TASK).read_text())
    result = time_models(task, read_table(str(folder / ROWS)), (folder / PROGRESS).write_text)
    (folder / RESULT).write_text(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

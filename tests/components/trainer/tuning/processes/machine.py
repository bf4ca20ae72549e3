"""One of several machines that tune together; TF_CONFIG says which.

Arguments: the arguments of `tune` as JSON, and the task that is killed in its first trial.
"""

import json
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

from components.trainer.config import TrainerConfig
from components.trainer.tuning import trials
from components.trainer.tuning import tune as module
from components.trainer.tuning.config import TunerConfig
from components.trainer.tuning.oracle_service import RemoteOracle
from components.trainer.tuning.rows import TuningRows
from components.trainer.tuning.shared_oracle import SharedOracle

_MAX_WAIT_SECONDS = 300


def _wait_for_workers(arguments_path: Path) -> None:
    """Waits until each has begun a trial, so that none comes too late for any."""
    deadline = time.monotonic() + _MAX_WAIT_SECONDS
    while len(list(arguments_path.parent.glob("arguments.worker-*.started"))) < 2:
        if time.monotonic() > deadline:
            raise TimeoutError("no trial on the workers")
        time.sleep(0.1)


def main(arguments_path: str, killed: str) -> None:
    """Tunes."""
    task = json.loads(os.environ["TF_CONFIG"])["task"]
    name = f"{task['type']}-{task['index']}"
    arguments = json.loads(Path(arguments_path).read_text())
    train_once = trials.train_once
    mark = Path(f"{arguments_path}.{name}.started")

    def train(config: TrainerConfig, rows: TuningRows) -> tuple[float, float]:
        if mark.exists() and task["type"] == "chief":
            _wait_for_workers(Path(arguments_path))
        mark.touch()
        if name == killed:
            os.kill(os.getpid(), signal.SIGKILL)
        with Path(f"{arguments_path}.{name}").open("a") as file:
            file.write(f"{config.top_mlp} {config.embedding_dim}\n")
        return train_once(config, rows)

    trials.train_once = train
    module.SharedOracle = partial(SharedOracle, lost_seconds=3.0)
    module.RemoteOracle = partial(RemoteOracle, beat_seconds=0.2)
    arguments["trainer"] = TrainerConfig.model_validate(arguments["trainer"])
    arguments["config"] = TunerConfig.model_validate(arguments["config"])
    result = module.tune(**arguments)
    print(name, "found" if result else "worked")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Runs trials; the first one of all processes ends its process as the kernel would."""

import os
import signal
import sys
from pathlib import Path

from components.trainer.config import TrainerConfig
from components.trainer.tuning import trial_processes, trials
from components.trainer.tuning.rows import TuningRows


def _train_once(config: TrainerConfig, rows: TuningRows) -> tuple[float, float]:
    mark = Path(rows.folder, "killed")
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 0.5 + config.embedding_dim / 1000, 1.0


trials.train_once = _train_once
trial_processes.main(sys.argv[1])

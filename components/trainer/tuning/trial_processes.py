"""Runs the trials of a search side by side, as processes of this machine.

`python -m components.trainer.tuning.trial_processes FOLDER` is such a process: it reads a `_Task`
from the folder.
"""

import itertools
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf
from pydantic import BaseModel, ConfigDict

from components.progress import report
from components.trainer.config import TrainerConfig
from components.trainer.tuning.journal import Journal
from components.trainer.tuning.memory import end_me_first
from components.trainer.tuning.oracle_service import RemoteOracle, serve
from components.trainer.tuning.rows import TuningRows
from components.trainer.tuning.shared_oracle import SharedOracle
from components.trainer.tuning.trial_loop import run_trials
from components.trainer.tuning.trials import Trials

_MODULE = "components.trainer.tuning.trial_processes"
_ROOT = Path(__file__).resolve().parents[3]
_TASK, _LOG = "task.json", "log"
_POLL_SECONDS = 0.05


class _Task(BaseModel):
    """What a process needs to know: the arguments of `Trials`, who it is and whom it asks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: TrainerConfig
    rows: TuningRows
    num_seeds: int
    journal_folder: str
    chief: str
    tuner_id: str
    num_threads: int


@dataclass
class _Worker:
    tuner_id: str
    process: subprocess.Popen[bytes]
    log: Path


def run_trials_in_processes(oracle: SharedOracle, trials: Trials, num_processes: int) -> None:
    """Runs the trials of a search in new processes, each with its share of the cores.

    One that is ended by a signal in a trial, as by the kernel where memory runs out, is replaced.

    Args:
      oracle: says what to run.
      trials: what the processes make for themselves; its journal gets their results.
      num_processes: trials at once.

    Raises:
      RuntimeError: if a process fails by itself, or the last one is ended without a trial.
    """
    names = (f"process-{number}" for number in itertools.count(1))
    workers: list[_Worker] = []
    with (
        serve(oracle, "127.0.0.1:0") as address,
        tempfile.TemporaryDirectory(dir=trials.rows.folder) as folder,
    ):
        task = _Task(
            config=trials.config,
            rows=trials.rows,
            num_seeds=trials.num_seeds,
            journal_folder=trials.journal.folder,
            chief=address,
            tuner_id="",
            num_threads=max(1, len(os.sched_getaffinity(0)) // num_processes),
        )

        def start() -> _Worker:
            named = task.model_copy(update={"tuner_id": next(names)})
            return _start(named, Path(folder, named.tuner_id))

        try:
            workers = [start() for _ in range(num_processes)]
            said = ""
            while workers:
                if (text := oracle.progress()) != said:
                    said = text
                    report(said)
                time.sleep(_POLL_SECONDS)
                ended = [worker for worker in workers if worker.process.poll() is not None]
                workers = [worker for worker in workers if worker not in ended]
                is_last = not workers
                workers += [start() for worker in ended if _is_due_again(worker, oracle, is_last)]
        finally:
            for worker in workers:
                worker.process.kill()
                worker.process.wait()


def _start(task: _Task, folder: Path) -> _Worker:
    folder.mkdir()
    (folder / _TASK).write_text(task.model_dump_json())
    with (folder / _LOG).open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", _MODULE, str(folder)],
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    return _Worker(task.tuner_id, process, folder / _LOG)


def _is_due_again(worker: _Worker, oracle: SharedOracle, is_last: bool) -> bool:
    """Returns whether an ended process must be replaced; its trial is taken back.

    One that was killed while it had no trial is not missed if others live.
    """
    code = worker.process.returncode
    if not code:
        return False
    had_trial = oracle.lose(worker.tuner_id, f"its process was ended by signal {-code}")
    if code < 0 and (had_trial or not is_last):
        return had_trial
    text = "\n".join(worker.log.read_text(errors="replace").splitlines()[-20:])
    raise RuntimeError(f"search: a process ended with {code}:\n{text}")


def main(folder: str) -> None:
    """Runs trials until the search is over."""
    end_me_first()
    task = _Task.model_validate_json(Path(folder, _TASK).read_text())
    tf.config.threading.set_intra_op_parallelism_threads(task.num_threads)
    tf.config.threading.set_inter_op_parallelism_threads(task.num_threads)
    with RemoteOracle(task.chief) as oracle:
        trials = Trials(task.config, task.rows, task.num_seeds, Journal(task.journal_folder))
        run_trials(oracle, trials, task.tuner_id)


if __name__ == "__main__":
    main(sys.argv[1])

"""Runs a measurement in a process of its own, so that one that needs too much is no harm.

`python -m components.trainer.tuning.batch_size_process FOLDER` is that process: it reads a
`Measurement` from the folder and writes a `Measured` there, both as JSON.
"""

import logging
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from components.progress import PROGRESS_LOGGER, report
from components.trainer.tuning.batch_size_measure import Measured, Measurement, measure
from components.trainer.tuning.memory import end_me_first, peak_bytes

_MODULE = "components.trainer.tuning.batch_size_process"
_ROOT = Path(__file__).resolve().parents[3]
_TASK, _RESULT, _PROGRESS, _LOG = "measurement.json", "measured.json", "progress", "log"
_POLL_SECONDS = 0.02


def measure_in_process(measurement: Measurement, max_memory_bytes: int, name: str) -> Measured:
    """Measures in a new process, which is ended when it has more than `max_memory_bytes`.

    Its progress is reported here, behind `name`.

    Raises:
      RuntimeError: if the process fails for another reason than memory.
    """
    with tempfile.TemporaryDirectory(dir=measurement.folder) as folder:
        Path(folder, _TASK).write_text(measurement.model_dump_json())
        with Path(folder, _LOG).open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", _MODULE, folder],
                cwd=_ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            if not _wait(process, max_memory_bytes, Path(folder, _PROGRESS), name):
                return Measured(out_of_memory=f"more than {max_memory_bytes:,} bytes")
        finally:
            process.kill()
            process.wait()
        result = Path(folder, _RESULT)
        if result.exists():
            return Measured.model_validate_json(result.read_text())
        if process.returncode < 0:
            # Nobody but the kernel sends signals to it: memory has run out.
            return Measured(out_of_memory=f"ended by signal {-process.returncode}")
        last_lines = Path(folder, _LOG).read_text(errors="replace").splitlines()[-20:]
        text = "\n".join(last_lines)
        raise RuntimeError(f"{name}: its process ended with {process.returncode}:\n{text}")


def _wait(
    process: subprocess.Popen[bytes], max_memory_bytes: int, progress_path: Path, name: str
) -> bool:
    """Waits for the end of a process; returns False once it has had too much memory."""
    said = ""
    while process.poll() is None:
        if peak_bytes(process.pid) > max_memory_bytes:
            return False
        if progress_path.exists() and (text := progress_path.read_text()) != said:
            said = text
            report(f"{name}: {said}")
        time.sleep(_POLL_SECONDS)
    return True


class _FileHandler(logging.Handler):
    """Keeps the last progress report in a file."""

    def __init__(self, path: Path) -> None:
        super().__init__(logging.INFO)
        self._path = path

    def emit(self, record: logging.LogRecord) -> None:
        self._path.write_text(record.getMessage())


def main(folder: str) -> None:
    """Measures what the folder says."""
    end_me_first()
    logger = logging.getLogger(PROGRESS_LOGGER)
    logger.setLevel(logging.INFO)
    logger.addHandler(_FileHandler(Path(folder, _PROGRESS)))
    measured = measure(Measurement.model_validate_json(Path(folder, _TASK).read_text()))
    Path(folder, _RESULT).write_text(measured.model_dump_json())


if __name__ == "__main__":
    main(sys.argv[1])

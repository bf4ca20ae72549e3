"""How long calls of the exported models take, measured in a process of their own."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from scipy import special

from components import progress
from components.errors import InputError
from components.evaluator.comparison import LatencyResult
from components.evaluator.config import LatencyConfig
from components.evaluator.latency.calls import num_rows_used
from components.evaluator.latency.process import PROGRESS, RESULT, ROWS, TASK, Task
from components.parquet import write_table

_MODULE = "components.evaluator.latency.process"
_ROOT = Path(__file__).resolve().parents[3]
_LOG = "log"
_LOG_LINES = 20
_POLL_SECONDS = 0.25
_SILENT_SECONDS = 900.0
_NUM_QUANTILES = 41
_P99 = 0.99
_MILLISECONDS = 1e-6  # of a nanosecond
_SECONDS = 1e-3  # of a millisecond


def measure_latency(
    model_paths: Mapping[str, str], rows: pa.Table, config: LatencyConfig, confidence: float
) -> dict[str, tuple[LatencyResult, ...]]:
    """Calls each exported model with raw rows, on the CPU, and nothing else meanwhile.

    One new process loads all models, warms them up and calls them in turns; see `calls.time_calls`.
    Whoever calls this should let the other cores rest until it returns.

    Args:
      model_paths: variant -> the folder that holds `saved_model.pb`.
      rows: raw rows; if a call takes more, they come again.
      config: batch sizes and how long.
      confidence: of the intervals of the 99th percentiles.

    Returns:
      variant -> one result a batch size, in the order of `config.batch_sizes`.

    Raises:
      InputError: if there is no row.
      RuntimeError: if the process fails, or shows no progress for 15 minutes; the message ends with
        the last lines that it wrote.
    """
    if not config.batch_sizes:
        return dict.fromkeys(model_paths, ())
    if not rows.num_rows:
        raise InputError("latency: expected raw rows to call the models with; received none")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        paths = {name: _absolute(path) for name, path in model_paths.items()}
        task = Task(model_paths=paths, config=config)
        (folder / TASK).write_text(task.model_dump_json())
        used = max(map(num_rows_used, config.batch_sizes))
        write_table(rows.slice(0, used), str(folder / ROWS))
        _run(folder)
        nanoseconds = json.loads((folder / RESULT).read_text())
    return {
        name: tuple(
            summarize(size, calls, confidence)
            for size, calls in zip(config.batch_sizes, nanoseconds[name], strict=True)
        )
        for name in model_paths
    }


def summarize(batch_size: int, nanoseconds: Sequence[int], confidence: float) -> LatencyResult:
    """Returns the figures of the calls at one batch size.

    Percentiles between two calls are linear (method 7 of Hyndman and Fan 1996, NumPy's default): of
    101 calls the 99th is the second slowest. The ends of the 99th's interval are two of the calls,
    whatever the distribution (Hahn and Meeker 1991, section 5.2), if calls are independent.
    """
    milliseconds = np.sort(np.array(nanoseconds) * _MILLISECONDS)
    p50, p99 = np.quantile(milliseconds, (0.5, _P99)).tolist()
    low, high = _interval_places(len(milliseconds), confidence)
    quantiles = np.quantile(milliseconds, np.linspace(0.0, 1.0, _NUM_QUANTILES))
    return LatencyResult(
        batch_size=batch_size,
        num_calls=len(milliseconds),
        p50_ms=p50,
        p99_ms=p99,
        p99_low_ms=None if low is None else float(milliseconds[low]),
        p99_high_ms=None if high is None else float(milliseconds[high]),
        examples_per_second=batch_size / (p50 * _SECONDS),
        quantiles_ms=tuple(quantiles.tolist()),
    )


def _interval_places(num_calls: int, confidence: float) -> tuple[int | None, int | None]:
    """Returns the places, from 0 in rising order, of the ends of the 99th percentile's interval.

    How many calls are below the true percentile is binomial. An end is None where even the fastest
    or the slowest call is not far enough out.
    """
    below = special.bdtr(np.arange(num_calls + 1), num_calls, _P99)
    tail = (1.0 - confidence) / 2.0
    low, high = (int(place) for place in np.searchsorted(below, (tail, 1.0 - tail)))
    return low - 1 if low > 0 else None, high if high < num_calls else None


def _absolute(path: str) -> str:
    """The process has another working folder."""
    return path if "://" in path else str(Path(path).resolve())


def _run(folder: Path) -> None:
    """Runs the process to its end."""
    with (folder / _LOG).open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", _MODULE, str(folder)],
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        failure = _wait(process, folder / PROGRESS)
    finally:
        process.kill()
        process.wait()
    if failure or process.returncode:
        lines = (folder / _LOG).read_text(errors="replace").splitlines()[-_LOG_LINES:]
        text = failure or f"ended with {process.returncode}"
        raise RuntimeError(
            "\n".join([f"latency: the process that times the models {text}", *lines])
        )


def _wait(process: subprocess.Popen[bytes], progress_path: Path) -> str:
    """Waits for the end, reports progress, and returns why the waiting was given up, or nothing."""
    said, last_seconds = "", time.monotonic()
    while process.poll() is None:
        text = progress_path.read_text() if progress_path.exists() else ""
        if text and text != said:
            said, last_seconds = text, time.monotonic()
            progress.report(f"latency: {said}")
        if time.monotonic() - last_seconds > _SILENT_SECONDS:
            return f"showed no progress for {_SILENT_SECONDS:.0f} s, the last was: {said or 'none'}"
        time.sleep(_POLL_SECONDS)
    return ""

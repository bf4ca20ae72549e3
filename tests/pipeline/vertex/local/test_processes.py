"""Real processes, trivial ones."""

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from pipeline.vertex.local.processes import Processes, StoppedError

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]


@pytest.fixture
def processes():
    made = Processes({**os.environ, "SHARED": "of all"})
    yield made
    made.stop()


def _python(code):
    return [sys.executable, "-c", code]


def _wait_until(is_true):
    end = time.monotonic() + 10
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.01)


def _is_alive(process_id):
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process_id}/stat").read_text().rsplit(")", 1)[1].split()[0]
    return state != "Z"


def test_process_writes_both_streams_to_its_log_in_a_new_folder(processes, tmp_path):
    log = tmp_path / "logs/step.log"
    code = "import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)"
    assert processes.wait(processes.start(_python(code), log)) == 3
    assert log.read_text() == "out\nerr\n"


def test_process_has_the_shared_and_its_own_variables(processes, tmp_path):
    log = tmp_path / "log"
    code = "import os; print(os.environ['SHARED'], os.environ['OWN'])"
    processes.wait(processes.start(_python(code), log, {"OWN": "of one"}))
    assert log.read_text() == "of all of one\n"


def test_status_of_a_killed_process_is_the_negative_signal(processes, tmp_path):
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert processes.wait(processes.start(_python(code), tmp_path / "log")) == -9


def test_end_reaches_what_a_process_has_started(processes, tmp_path):
    log = tmp_path / "log"
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, flush=True)\n"
        "child.wait()"
    )
    process = processes.start(_python(code), log)
    _wait_until(lambda: log.read_text().endswith("\n"))
    child = int(log.read_text())
    assert _is_alive(child)
    processes.end([process])
    _wait_until(lambda: not _is_alive(child))
    assert processes.wait(process) == -15


def test_end_kills_a_process_that_does_not_leave(processes, tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.vertex.local.processes._SECONDS_TO_END", 0.1)
    log = tmp_path / "log"
    code = (
        "import signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('up', flush=True)\n"
        "time.sleep(60)"
    )
    process = processes.start(_python(code), log)
    _wait_until(lambda: log.read_text())
    processes.end([process])
    assert processes.wait(process) == -9


def test_stop_ends_a_process_that_another_thread_waits_for(processes, tmp_path):
    log = tmp_path / "log"
    process = processes.start(SLEEP, log)
    raised = []

    def wait():
        try:
            processes.wait(process)
        except StoppedError as error:
            raised.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    _wait_until(lambda: log.read_text())
    processes.stop()
    waiting.join(10)
    assert len(raised) == 1
    assert process.returncode == -15


def test_nothing_starts_after_stop(processes, tmp_path):
    processes.stop()
    with pytest.raises(StoppedError):
        processes.start(SLEEP, tmp_path / "log")

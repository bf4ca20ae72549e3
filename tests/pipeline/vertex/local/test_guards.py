"""The lock on a folder, and the end of a process by the system."""

import fcntl
import os
import signal
import subprocess
import sys
import threading

import pytest

from components.errors import InputError
from pipeline.vertex.local.guards import interrupted_by_sigterm, only_run_in


def test_second_run_in_a_folder_is_refused(tmp_path):
    refused = pytest.raises(InputError, match="at work there")
    with only_run_in(tmp_path), refused, only_run_in(tmp_path):
        pass


def test_folder_is_free_after_a_run(tmp_path):
    for _ in range(2):
        with only_run_in(tmp_path):
            pass


def test_folder_is_taken_while_a_task_of_a_killed_run_lives(tmp_path):
    with only_run_in(tmp_path) as lock:
        task = subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[lock]
        )
    with pytest.raises(InputError, match="step of a run that was killed"), only_run_in(tmp_path):
        pass
    task.communicate(b"\n")
    with only_run_in(tmp_path):
        pass


def test_lock_is_held_by_the_yielded_descriptor(tmp_path):
    with only_run_in(tmp_path) as lock, (tmp_path / "lock").open("w") as other:
        assert os.fstat(lock).st_ino == os.fstat(other.fileno()).st_ino
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_sigterm_is_an_interrupt():
    with pytest.raises(KeyboardInterrupt), interrupted_by_sigterm():
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(10)


def test_handler_of_sigterm_is_as_before_afterwards():
    before = signal.getsignal(signal.SIGTERM)
    with interrupted_by_sigterm():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_another_thread_leaves_the_handler_alone():
    seen = []

    def run():
        with interrupted_by_sigterm():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]

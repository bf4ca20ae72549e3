"""Why a process failed, from logs as Python, TFX and Beam write them."""

import pytest

from pipeline.vertex.local.failure import TaskError, describe_exit

TRACEBACK = """I1122 02:30:38.123456 140 executor.py:135] Starting executor
Traceback (most recent call last):
  File "run.py", line 3, in <module>
    main()
"""


@pytest.fixture
def log(tmp_path):
    return tmp_path / "Train.log"


def test_error_for_users_shows_without_its_type(log):
    log.write_text(f"{TRACEBACK}components.errors.InputError: the eval split holds one class\n")
    assert describe_exit(1, log) == "the eval split holds one class"


def test_other_error_shows_its_type(log):
    log.write_text(f"{TRACEBACK}tensorflow.errors_impl.NotFoundError: /x; No such file\n")
    assert describe_exit(1, log) == "NotFoundError: /x; No such file"


def test_error_without_a_message_shows_its_type(log):
    log.write_text(f"{TRACEBACK}KeyboardInterrupt\n")
    assert describe_exit(1, log) == "KeyboardInterrupt"


def test_last_error_counts(log):
    log.write_text("ValueError: first\n\nDuring handling ...\n\nRuntimeError: second\nbye\n")
    assert describe_exit(1, log) == "RuntimeError: second"


def test_line_that_only_mentions_an_error_does_not_count(log):
    log.write_text("retrying after ValueError: x\n")
    assert describe_exit(3, log) == "exit status 3"


def test_killed_process_may_have_used_up_the_memory(log):
    log.write_text("ValueError: earlier and handled\n")
    assert describe_exit(-9, log).startswith("killed; if the memory was used up")


def test_other_signal_is_named(log):
    log.write_text("")
    assert describe_exit(-11, log) == "ended by signal SIGSEGV"


def test_bytes_that_are_no_text_are_read(log):
    log.write_bytes(b"\xff\xfe\nValueError: after them\n")
    assert describe_exit(1, log) == "ValueError: after them"


def test_task_error_has_the_end_of_the_log_and_its_path(log):
    log.write_text("".join(f"line {i}\n" for i in range(40)) + "ValueError: wrong\n")
    error = TaskError("Train", 1, log)
    lines = str(error).splitlines()
    assert lines[0] == "step Train: ValueError: wrong"
    assert lines[1:-1] == [*(f"  | line {i}" for i in range(29, 40)), "  | ValueError: wrong"]
    assert lines[-1] == f"log of the step: {log}"
    assert error.step == "Train"

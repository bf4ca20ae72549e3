"""Commands that go on by themselves: real processes."""

import sys
import time

import pytest

from pipeline.study.background import is_running, main


def start(log, code):
    return main(["start", "--log", str(log), "--", sys.executable, "-c", code])


def wait_for_end(log):
    end = time.monotonic() + 30
    while is_running(log):
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("code", [0, 3])
def test_follow_shows_the_output_and_returns_the_status(tmp_path, capfd, code):
    log = tmp_path / "logs" / "a.log"
    assert start(log, f"import sys; print('said'); sys.exit({code})") == 0
    assert main(["follow", "--log", str(log)]) == code
    assert "said\n" in capfd.readouterr().out


def test_second_start_does_nothing_while_the_first_runs(tmp_path, capfd):
    log, gate = tmp_path / "a.log", tmp_path / "gate"
    waits = (
        f"import pathlib, time\nprint('once', flush=True)\ngate = pathlib.Path({str(gate)!r})\n"
        "while not gate.exists(): time.sleep(0.05)"
    )
    start(log, waits)
    assert is_running(log)
    start(log, waits)
    assert "running already" in capfd.readouterr().out
    gate.touch()
    wait_for_end(log)
    assert log.read_text() == "once\n"


def test_start_after_the_end_runs_it_again(tmp_path):
    log = tmp_path / "a.log"
    for _ in range(2):
        start(log, "print('again')")
        wait_for_end(log)
    assert log.read_text() == "again\nagain\n"


def test_program_that_is_missing_has_a_status(tmp_path):
    log = tmp_path / "a.log"
    main(["start", "--log", str(log), "--", str(tmp_path / "nothing")])
    assert main(["follow", "--log", str(log)]) == 127
    assert "nothing" in log.read_text()

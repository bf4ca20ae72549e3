import io
import os

import pytest

from components.progress import report
from pipeline.console import Console, native_errors_to_file


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def test_console_prints_one_line_a_step_with_its_last_message():
    stream = io.StringIO()
    with Console(stream) as console:
        console.start_step("1/2 ExampleGen")
        report("10 rows")
        report("20 rows")
        console.end_step()
        console.start_step("2/2 Pusher")
        console.end_step("cached")
    first, second = stream.getvalue().splitlines()
    assert first.startswith("1/2 ExampleGen")
    assert first.endswith(" s  20 rows")
    assert second.endswith(" s  cached")


def test_console_forgets_the_message_of_the_step_before():
    stream = io.StringIO()
    with Console(stream) as console:
        console.start_step("first")
        report("10 rows")
        console.end_step()
        console.start_step("second")
        console.end_step()
    assert stream.getvalue().splitlines()[1].endswith(" s")


def test_console_redraws_one_line_on_a_terminal():
    stream = _Terminal()
    with Console(stream) as console:
        console.start_step("step")
        console.end_step("done")
    assert stream.getvalue().count("\n") == 1
    assert "\x1b[2K" in stream.getvalue()


def test_console_stops_listening_when_left():
    stream = io.StringIO()
    with Console(stream) as console:
        console.start_step("step")
        console.end_step()
    before = stream.getvalue()
    report("late")
    assert stream.getvalue() == before


def test_native_errors_go_to_the_file_and_later_ones_to_the_terminal(tmp_path, capfd):
    path = tmp_path / "run.log"
    path.write_text("before\n")
    with native_errors_to_file(path):
        os.write(2, b"from a library\n")
    os.write(2, b"after\n")
    assert path.read_text() == "before\nfrom a library\n"
    assert capfd.readouterr().err == "after\n"


def test_native_errors_come_back_to_the_terminal_after_an_exception(tmp_path, capfd):
    with pytest.raises(ValueError, match="stop"), native_errors_to_file(tmp_path / "run.log"):
        raise ValueError("stop")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"

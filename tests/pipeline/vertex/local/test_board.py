"""The lines of a run on a stream that is no terminal."""

import io
import logging
import re
import time

import pytest

from components.progress import PROGRESS_LOGGER
from pipeline.console import Console
from pipeline.vertex.local import board as board_module
from pipeline.vertex.local.board import Board, last_progress


@pytest.fixture
def stream():
    return io.StringIO()


def _board(stream, logs):
    return Board(Console(stream), ["Read", "Train_full"], logs)


def _progress(message):
    return f"I1122 02:30:38.123456 140 progress.py:17] {message}\n"


def test_ended_task_has_a_line_with_its_number_time_and_last_message(stream, tmp_path):
    (tmp_path / "Read.log").write_text(_progress("1 rows") + _progress("2 rows") + "bye\n")
    (tmp_path / "Train_full.log").write_text("")
    board = _board(stream, tmp_path)
    board.start("Read")
    board.start("Train_full")
    board.end("Train_full", is_cached=False)
    board.end("Read", is_cached=False)
    assert re.sub(r" +0\.\d s", " 0.0 s", stream.getvalue()) == (
        "  1/2 Train_full 0.0 s\n  2/2 Read 0.0 s  2 rows\n"
    )


def test_cached_task_says_so_whatever_its_log_tells(stream, tmp_path):
    (tmp_path / "Read.log").write_text(_progress("1 rows"))
    board = _board(stream, tmp_path)
    board.start("Read")
    board.end("Read", is_cached=True)
    assert stream.getvalue().endswith(" s  cached\n")


def test_message_of_a_custom_job_is_its_primary_workers(tmp_path):
    (tmp_path / "Train_full").mkdir()
    (tmp_path / "Train_full/workerpool0-0.log").write_text(_progress("logloss 0.5"))
    (tmp_path / "Train_full.log").write_text(_progress("Train_full: succeeded"))
    assert last_progress(tmp_path, "Train_full") == "logloss 0.5"


def test_log_without_progress_has_no_message(tmp_path):
    (tmp_path / "Read.log").write_text("I1122 02:30:38.1 140 executor.py:1] Starting executor\n")
    assert last_progress(tmp_path, "Read") == ""


def test_progress_of_all_running_tasks_is_reported(stream, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(board_module, "_READ_EVERY_SECONDS", 0.01)
    (tmp_path / "Read.log").write_text(_progress("1 rows"))
    (tmp_path / "Train_full.log").write_text(_progress("Train_full: succeeded"))
    end = time.monotonic() + 10
    with caplog.at_level(logging.INFO, PROGRESS_LOGGER), _board(stream, tmp_path) as board:
        board.start("Read")
        board.start("Train_full")
        while "Read: 1 rows; Train_full: succeeded" not in caplog.messages:
            assert time.monotonic() < end, caplog.messages
            time.sleep(0.01)


def test_left_board_shows_nothing_as_running(stream, tmp_path):
    console = Console(stream)
    with Board(console, ["Read"], tmp_path) as board:
        board.start("Read")
        assert "running Read" in console._line()
    assert "Read" not in console._line()

"""The end of a file, whatever its size."""

from pipeline.vertex.local.log_tail import log_tail


def test_short_log_is_read_whole(tmp_path):
    (tmp_path / "log").write_text("first\nlast\n")
    assert log_tail(tmp_path / "log") == "first\nlast\n"


def test_of_a_long_log_the_last_100_kilobytes_are_read(tmp_path):
    (tmp_path / "log").write_text("a" + "b" * 99_995 + "last\n")
    assert log_tail(tmp_path / "log") == "b" * 99_995 + "last\n"


def test_missing_log_is_empty(tmp_path):
    assert log_tail(tmp_path / "log") == ""

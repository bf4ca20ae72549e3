import pytest
import tensorflow as tf

from components.files import write_bytes, write_text


def test_text_is_written_as_utf8_under_its_name_only(tmp_path):
    write_text(str(tmp_path / "t.txt"), "a\nµ")
    assert [path.name for path in tmp_path.iterdir()] == ["t.txt"]
    assert (tmp_path / "t.txt").read_bytes() == b"a\n\xc2\xb5"


def test_bytes_replace_an_older_file(tmp_path):
    (tmp_path / "t").write_bytes(b"older and longer")
    write_bytes(str(tmp_path / "t"), b"\xff\x00")
    assert (tmp_path / "t").read_bytes() == b"\xff\x00"


def test_a_write_that_fails_leaves_the_older_file(tmp_path):
    (tmp_path / "t.txt").write_text("older")
    with pytest.raises(TypeError):
        write_bytes(str(tmp_path / "t.txt"), 7)
    assert [path.name for path in tmp_path.iterdir()] == ["t.txt"]
    assert (tmp_path / "t.txt").read_text() == "older"


def test_other_file_systems_than_the_local_one_are_reached():
    write_text("ram://files/t.txt", "there")
    with tf.io.gfile.GFile("ram://files/t.txt") as file:
        assert file.read() == "there"

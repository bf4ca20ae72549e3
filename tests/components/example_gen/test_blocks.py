"""Files to blocks: no line lost or doubled, flat memory, damaged files named."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.errors import InputError
from components.example_gen.blocks import plan_blocks, read_blocks
from components.example_gen.lines import MAX_LINE_BYTES


def _read(path: Path, block_bytes: int) -> list[tuple[int, bytes]]:
    return [
        block
        for block_range in plan_blocks([str(path)], block_bytes)
        for block in read_blocks(block_range, block_bytes)
    ]


@settings(max_examples=200, deadline=None)
@given(
    content=st.lists(st.sampled_from([b"a", b"bc", b"\r", b"\n"]), min_size=1).map(b"".join),
    block_bytes=st.integers(1, 12),
    compressed=st.booleans(),
)
def test_read_blocks_gives_every_byte_once_in_whole_lines(
    tmp_path_factory, content, block_bytes, compressed
):
    path = tmp_path_factory.mktemp("blocks") / ("log.gz" if compressed else "log")
    path.write_bytes(gzip.compress(content) if compressed else content)
    blocks = _read(path, block_bytes)
    assert b"".join(block for _, block in blocks) == content
    assert [index for index, _ in blocks] == list(range(len(blocks)))
    assert all(block.endswith(b"\n") for _, block in blocks[:-1] if block) or content[-1:] != b"\n"


def test_plan_blocks_cuts_by_bytes_and_counts_from_zero_in_each_file(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_bytes(b"x\n" * 5)
    second.write_bytes(b"x\n")
    ranges = plan_blocks([str(first), str(second)], 4)
    assert [(r.file_index, r.block_index, r.start, r.end) for r in ranges] == [
        (0, 0, 0, 4),
        (0, 1, 4, 8),
        (0, 2, 8, 10),
        (1, 0, 0, 2),
    ]


def test_read_blocks_of_gzip_with_two_members_reads_both(tmp_path):
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(b"one\n") + gzip.compress(b"two\n"))
    assert b"".join(block for _, block in _read(path, 1024)) == b"one\ntwo\n"


@pytest.mark.parametrize("compressed", [False, True])
def test_read_blocks_cuts_an_endless_line_and_goes_on_after_it(tmp_path, compressed):
    content = b"first\n" + b"x" * 500_000 + b"\nlast\n"
    path = tmp_path / "log"
    path.write_bytes(gzip.compress(content) if compressed else content)
    blocks = [block for _, block in _read(path, 4096)]
    first, endless, last = (line for block in blocks for line in block.splitlines())
    assert (first, last) == (b"first", b"last")
    assert MAX_LINE_BYTES < len(endless) < 3 * MAX_LINE_BYTES
    assert max(map(len, blocks)) < 3 * MAX_LINE_BYTES


@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_read_blocks_of_truncated_gzip_names_file_and_bytes(tmp_path, kept):
    path = tmp_path / "log.gz"
    whole = gzip.compress(bytes(range(256)) * 1000, mtime=0)
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(InputError, match=r"log\.gz: .*truncated.* after [\d,]+ decompressed bytes"):
        _read(path, 1024)


def test_read_blocks_of_damaged_gzip_names_the_file(tmp_path):
    path = tmp_path / "log.gz"
    whole = bytearray(gzip.compress(b"0123456789abcdef\n" * 5000))
    whole[len(whole) // 2] ^= 0xFF
    path.write_bytes(bytes(whole))
    with pytest.raises(InputError, match=r"log\.gz: .*truncated or damaged"):
        _read(path, 1024)


def test_read_blocks_of_gzip_of_nothing_says_empty(tmp_path):
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(b""))
    with pytest.raises(InputError, match=r"log\.gz is empty"):
        _read(path, 1024)


def test_plan_blocks_of_an_empty_file_names_it(tmp_path):
    path = tmp_path / "log.tsv"
    path.touch()
    with pytest.raises(InputError, match=r"log\.tsv is empty \(0 bytes\)"):
        plan_blocks([str(path)], 1024)


def test_plan_blocks_of_a_directory_names_it(tmp_path):
    with pytest.raises(InputError, match="is a directory"):
        plan_blocks([str(tmp_path)], 1024)


def test_plan_blocks_of_text_named_gz_says_so(tmp_path):
    path = tmp_path / "log.gz"
    path.write_bytes(b"1\t2\n")
    with pytest.raises(InputError, match=r"named \.gz but does not start like gzip"):
        plan_blocks([str(path)], 1024)


def test_plan_blocks_of_a_missing_file_names_it(tmp_path):
    with pytest.raises(InputError, match=r"absent\.tsv cannot be read"):
        plan_blocks([str(tmp_path / "absent.tsv")], 1024)

"""Files to blocks: no line lost or doubled, flat memory, damaged files named."""

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.errors import InputError
from components.example_gen.blocks import plan_text_file, read_blocks
from components.example_gen.lines import MAX_LINE_BYTES
from schemas.click_log import ClickLog
from schemas.criteo import CLICK_LOG

_WITH_HEADER = ClickLog(
    format="csv", header=True, label={"column": "y"}, categorical=({"name": "x"},)
)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def _zstandard(content: bytes) -> bytes:
    return pa.compress(content, codec="zstd", asbytes=True)


_STORED = {"plain": bytes, "gzip": gzip.compress, "zstandard": _zstandard}
_COMPRESSED = {"gz": gzip.compress, "zst": _zstandard}


def _read(path: Path, block_bytes: int, click_log: ClickLog = CLICK_LOG) -> list[tuple[int, bytes]]:
    return [
        block
        for block_range in plan_text_file(str(path), 0, click_log, block_bytes)
        for block in read_blocks(block_range, block_bytes)
    ]


def _text(path: Path, block_bytes: int, click_log: ClickLog = CLICK_LOG) -> bytes:
    return b"".join(block for _, block in _read(path, block_bytes, click_log))


_CONTENTS = st.lists(st.sampled_from([b"a", b"bc", b"\r", b"\n"]), min_size=1).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(content=_CONTENTS, block_bytes=st.integers(1, 12), storage=st.sampled_from(list(_STORED)))
def test_read_blocks_gives_every_byte_once_in_whole_lines(
    tmp_path_factory, content, block_bytes, storage
):
    path = tmp_path_factory.mktemp("blocks") / "log"
    path.write_bytes(_STORED[storage](content))
    blocks = _read(path, block_bytes)
    assert b"".join(block for _, block in blocks) == content
    assert [index for index, _ in blocks] == list(range(len(blocks)))
    assert all(block.endswith(b"\n") for _, block in blocks[:-1] if block) or content[-1:] != b"\n"


@settings(max_examples=300, deadline=None)
@given(
    content=_CONTENTS,
    block_bytes=st.integers(1, 12),
    storage=st.sampled_from(list(_STORED)),
    mark=st.sampled_from([b"", _BYTE_ORDER_MARK]),
    end=st.sampled_from([b"\n", b"\r\n"]),
)
def test_read_blocks_after_a_header_gives_every_byte_but_its(
    tmp_path_factory, content, block_bytes, storage, mark, end
):
    path = tmp_path_factory.mktemp("blocks") / "log"
    path.write_bytes(_STORED[storage](mark + b'other,"y",x' + end + content))
    assert _text(path, block_bytes, _WITH_HEADER) == content
    first = plan_text_file(str(path), 0, _WITH_HEADER, block_bytes)[0]
    assert first.columns == ("other", "y", "x")


@pytest.mark.parametrize("storage", _STORED)
@pytest.mark.parametrize("block_bytes", [1, 2, 1024])
def test_read_blocks_leaves_out_a_byte_order_mark(tmp_path, storage, block_bytes):
    path = tmp_path / "log"
    path.write_bytes(_STORED[storage](_BYTE_ORDER_MARK + b"one\ntwo\n"))
    assert _text(path, block_bytes) == b"one\ntwo\n"


def test_plan_text_file_cuts_by_bytes(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"x\n" * 5)
    ranges = plan_text_file(str(path), 7, CLICK_LOG, 4)
    assert [(r.file_index, r.block_index, r.start, r.end) for r in ranges] == [
        (7, 0, 0, 4),
        (7, 1, 4, 8),
        (7, 2, 8, 10),
    ]


def test_plan_text_file_with_a_header_cuts_after_it(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"x,y\n" + b"1,1\n" * 3)
    ranges = plan_text_file(str(path), 0, _WITH_HEADER, 8)
    assert [(r.start, r.end, r.data_start) for r in ranges] == [(4, 12, 4), (12, 16, 4)]


@pytest.mark.parametrize("suffix", _COMPRESSED)
def test_read_blocks_of_two_compressed_parts_reads_both(tmp_path, suffix):
    path = tmp_path / f"log.{suffix}"
    compress = _COMPRESSED[suffix]
    path.write_bytes(compress(b"one\n") + compress(b"two\n"))
    assert _text(path, 1024) == b"one\ntwo\n"


def test_read_blocks_of_zstandard_skips_a_skippable_frame(tmp_path):
    path = tmp_path / "log.zst"
    path.write_bytes(bytes.fromhex("502a4d18 04000000") + b"abcd" + _zstandard(b"one\n"))
    assert _text(path, 1024) == b"one\n"


@pytest.mark.parametrize("storage", _STORED)
def test_read_blocks_cuts_an_endless_line_and_goes_on_after_it(tmp_path, storage):
    content = b"first\n" + b"x" * 500_000 + b"\nlast\n"
    path = tmp_path / "log"
    path.write_bytes(_STORED[storage](content))
    blocks = [block for _, block in _read(path, 4096)]
    first, endless, last = (line for block in blocks for line in block.splitlines())
    assert (first, last) == (b"first", b"last")
    assert MAX_LINE_BYTES < len(endless) < 3 * MAX_LINE_BYTES
    assert max(map(len, blocks)) < 3 * MAX_LINE_BYTES


@pytest.mark.parametrize("suffix", _COMPRESSED)
@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_read_blocks_of_truncated_data_names_file_and_bytes(tmp_path, suffix, kept):
    path = tmp_path / f"log.{suffix}"
    whole = _COMPRESSED[suffix](np.random.default_rng(0).bytes(500_000))
    path.write_bytes(whole[: int(kept * len(whole))])
    expected = rf"log\.{suffix}: .*truncated.* after [1-9][\d,]+ decompressed bytes"
    with pytest.raises(InputError, match=expected):
        _read(path, 1024)


@pytest.mark.parametrize("suffix", _COMPRESSED)
def test_read_blocks_of_damaged_data_names_the_file(tmp_path, suffix):
    path = tmp_path / f"log.{suffix}"
    whole = bytearray(_COMPRESSED[suffix](b"0123456789abcdef\n" * 5000))
    for place in range(len(whole) // 2, len(whole)):
        whole[place] ^= 0xFF
    path.write_bytes(bytes(whole))
    with pytest.raises(InputError, match=rf"log\.{suffix}: .*truncated or damaged"):
        _read(path, 1024)


@pytest.mark.parametrize("suffix", _COMPRESSED)
def test_read_blocks_of_compressed_nothing_says_empty(tmp_path, suffix):
    path = tmp_path / f"log.{suffix}"
    path.write_bytes(_COMPRESSED[suffix](b""))
    with pytest.raises(InputError, match=rf"log\.{suffix} is empty"):
        _read(path, 1024)


@pytest.mark.parametrize("storage", _STORED)
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_read_blocks_of_a_header_alone_says_so(tmp_path, storage, end):
    path = tmp_path / "log"
    path.write_bytes(_STORED[storage](b"x,y" + end))
    with pytest.raises(InputError, match="log has no lines but its header"):
        _read(path, 1024, _WITH_HEADER)


def test_plan_text_file_of_an_empty_file_names_it(tmp_path):
    path = tmp_path / "log.tsv"
    path.touch()
    with pytest.raises(InputError, match=r"log\.tsv is empty \(0 bytes\)"):
        plan_text_file(str(path), 0, CLICK_LOG, 1024)


def test_plan_text_file_of_a_directory_names_it(tmp_path):
    with pytest.raises(InputError, match="is a directory"):
        plan_text_file(str(tmp_path), 0, CLICK_LOG, 1024)


@pytest.mark.parametrize(
    ("suffix", "content", "meaning"),
    [
        ("gz", b"1\t2\n", "gzip"),
        ("zst", b"1\t2\n", "Zstandard"),
        ("gz", _zstandard(b"1\t2\n"), "gzip"),
    ],
)
def test_plan_text_file_with_a_wrong_suffix_says_so(tmp_path, suffix, content, meaning):
    path = tmp_path / f"log.{suffix}"
    path.write_bytes(content)
    expected = rf"named \.{suffix} but does not start like {meaning}"
    with pytest.raises(InputError, match=expected):
        plan_text_file(str(path), 0, CLICK_LOG, 1024)


def test_plan_text_file_of_parquet_names_the_format(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"PAR1...")
    with pytest.raises(InputError, match=r"is a Parquet file .* format: tsv"):
        plan_text_file(str(path), 0, CLICK_LOG, 1024)


@pytest.mark.parametrize("storage", _STORED)
def test_plan_text_file_without_a_column_names_it_and_the_header(tmp_path, storage):
    path = tmp_path / "log"
    path.write_bytes(_STORED[storage](b"x,z\n1,2\n"))
    expected = r"log: the schema expects one column 'y', the file has it not; it has: x, z$"
    with pytest.raises(InputError, match=expected):
        plan_text_file(str(path), 0, _WITH_HEADER, 1024)


def test_plan_text_file_with_a_column_twice_names_it(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"x,y,x\n1,2\n")
    with pytest.raises(InputError, match="'x', the file has it twice; it has: x, y, x"):
        plan_text_file(str(path), 0, _WITH_HEADER, 1024)


def test_plan_text_file_with_bad_quotes_in_the_header_says_so(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b'x,"y\n1,2\n')
    with pytest.raises(InputError, match="log: its header has a quote inside a field"):
        plan_text_file(str(path), 0, _WITH_HEADER, 1024)


def test_plan_text_file_without_any_line_end_finds_no_header(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(b"x" * 100_000)
    with pytest.raises(InputError, match="its first 65,537 bytes hold no header line"):
        plan_text_file(str(path), 0, _WITH_HEADER, 1024)


def test_plan_text_file_of_a_missing_file_names_it(tmp_path):
    with pytest.raises(InputError, match=r"absent\.tsv cannot be read"):
        plan_text_file(str(tmp_path / "absent.tsv"), 0, CLICK_LOG, 1024)

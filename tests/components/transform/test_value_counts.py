from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from components.transform import value_counts
from components.transform.value_counts import (
    NUM_BUCKETS,
    count_table,
    count_values,
    hash_buckets,
    merge_counts,
    select_values,
)


def _counts(values):
    return count_table(pa.array(values.keys(), pa.binary()), np.array([*values.values()], np.int64))


def _pairs(table):
    return [(row["value"], row["count"]) for row in table.to_pylist()]


def _chunk(values):
    return pa.array(values, pa.binary()).dictionary_encode()


def test_count_values_leaves_missing_out():
    column = pa.chunked_array([_chunk([b"aa", None, b"", b"aa", b"bb", None])])
    assert sorted(_pairs(count_values(column))) == [(b"aa", 2), (b"bb", 1)]


def test_count_values_leaves_out_what_only_the_dictionary_holds():
    column = pa.chunked_array([_chunk([b"a", b"b", b"b", b"c"]).slice(1, 2)])
    assert _pairs(count_values(column)) == [(b"b", 2)]


def test_count_values_of_chunks_with_different_dictionaries():
    column = pa.chunked_array([_chunk([b"b", b"a", b"b"]), _chunk([b"a", b"c"])])
    merged = merge_counts([count_values(column)])
    assert sorted(_pairs(merged)) == [(b"a", 2), (b"b", 2), (b"c", 1)]


@pytest.mark.parametrize("chunks", [[], [[]], [[None]]])
def test_count_values_of_nothing_is_empty(chunks):
    kind = _chunk([]).type
    counts = count_values(pa.chunked_array(map(_chunk, chunks), kind))
    assert _pairs(merge_counts([counts])) == []


def test_merge_counts_adds_up():
    merged = merge_counts([_counts({b"a": 1, b"b": 5}), _counts({}), _counts({b"a": 2**40})])
    assert sorted(_pairs(merged)) == [(b"a", 2**40 + 1), (b"b", 5)]


def test_select_values_orders_by_count_then_bytes():
    counts = _counts({b"b": 3, b"a": 3, b"\xff": 3, b"c": 5, b"rare": 1})
    assert _pairs(select_values(counts, 2)) == [(b"c", 5), (b"a", 3), (b"b", 3), (b"\xff", 3)]


@pytest.mark.parametrize(("max_values", "expected"), [(1, [b"c"]), (2, [b"c", b"a"])])
def test_select_values_cuts_ties_in_byte_order(max_values, expected):
    selected = select_values(_counts({b"b": 3, b"a": 3, b"c": 5}), max_values=max_values)
    assert selected["value"].to_pylist() == expected


def _slow_bucket(value: bytes) -> int:
    base = 0x9E3779B97F4A7C15
    total = sum((byte + 1) * pow(base, position, 2**64) for position, byte in enumerate(value))
    for _ in range(2):
        total %= 2**64
        total = (total ^ (total >> 32)) * base
    return (total % 2**64) >> 48


@pytest.mark.parametrize("step_bytes", [1, 7, 2**17])
def test_hash_buckets_equal_the_slow_twin_wherever_a_value_stands(monkeypatch, step_bytes):
    monkeypatch.setattr(value_counts, "_HASH_STEP_BYTES", step_bytes)
    values = [
        b"",
        b"a",
        b"aa",
        b"\0",
        b"\0\0",
        b"1234abcd",
        bytes(range(256)),
        b"z" * 50,
        b"",
        b"a",
    ]
    array = pa.array(values, pa.binary())
    expected = [_slow_bucket(value) for value in values]
    assert hash_buckets(array).tolist() == expected
    assert hash_buckets(array.slice(3, 6)).tolist() == expected[3:9]


@pytest.mark.parametrize("values", [[], [b""], [b"", b""]])
def test_hash_buckets_without_a_byte(values):
    expected = [_slow_bucket(value) for value in values]
    assert hash_buckets(pa.array(values, pa.binary())).tolist() == expected


@pytest.mark.parametrize("pattern", [b"%08x", b"%d", b"https://a.com/item?id=%07d&page=1"])
def test_hash_buckets_spread_similar_values_evenly(pattern):
    buckets = hash_buckets(pa.array([pattern % i for i in range(64_000)], pa.binary()))
    shards = Counter((buckets.astype(int) * 64 // NUM_BUCKETS).tolist())
    # 1,000 a shard is the mean; the standard deviation of a random spread is 31.
    assert len(shards) == 64
    assert 850 < min(shards.values()) <= max(shards.values()) < 1150

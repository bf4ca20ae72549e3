from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from components.transform import spilled_counts
from components.transform.spilled_counts import BoundedCounts, plan_shards, read_shard
from components.transform.value_counts import count_table, merge_counts


def _counts(values):
    return count_table(pa.array(values.keys(), pa.binary()), np.array([*values.values()], np.int64))


def _random_parts(num_parts: int, num_values: int) -> list[Counter]:
    """Parts that share half of their values."""
    rng = np.random.default_rng(3)
    draws = rng.integers(0, num_values * num_parts // 2, (num_parts, num_values))
    return [Counter(b"%x" % number for number in part) for part in draws.tolist()]


def _spill(parts, folder, bound_bytes):
    bounded = BoundedCounts(str(folder), bound_bytes)
    runs = [run for part in parts for _, run in bounded.add("C1", _counts(part))]
    return [*runs, *(run for _, run in bounded.spill())]


def _as_counter(table):
    values = table["value"].to_pylist()
    assert len(set(values)) == len(values)
    return Counter(dict(zip(values, table["count"].to_pylist(), strict=True)))


@pytest.mark.parametrize(
    ("bound_bytes", "shard_bytes"),
    [(1_000, 1_000), (10_000, 300), (10_000, 10**9), (10**9, 2_000), (10**9, 10**9)],
)
def test_merged_shards_equal_the_slow_twin(tmp_path, bound_bytes, shard_bytes):
    parts = _random_parts(5, 500)
    runs = _spill(parts, tmp_path, bound_bytes)
    shards = [_as_counter(read_shard(shard)) for shard in plan_shards(runs, shard_bytes)]
    assert (len(runs) > 1) == (bound_bytes < 10**9)
    assert (len(shards) > 1) == (shard_bytes < 10**9)
    assert sum(shards, Counter()) == sum(parts, Counter())
    assert sum(map(len, shards)) == len(sum(parts, Counter()))


def test_features_in_one_file_are_kept_apart(tmp_path):
    bounded = BoundedCounts(str(tmp_path), 10**6)
    bounded.add("C1", _counts({b"a": 1}))
    bounded.add("C2", _counts({b"a": 2, b"b": 4}))
    bounded.add("C1", _counts({b"a": 10}))
    runs = dict(bounded.spill())
    assert len(list(tmp_path.iterdir())) == 1
    (first,), (second,) = (list(plan_shards([runs[name]], 10**6)) for name in ("C1", "C2"))
    assert _as_counter(read_shard(first)) == {b"a": 11}
    assert _as_counter(read_shard(second)) == {b"a": 2, b"b": 4}


def test_values_that_repeat_are_merged_instead_of_spilled(tmp_path):
    bounded = BoundedCounts(str(tmp_path), 10_000)
    part = _counts({b"%03d" % i: 1 for i in range(100)})
    # 100 values take about 2.5 kB, so without merging the fourth part would be spilled.
    assert [run for _ in range(100) for run in bounded.add("C1", part)] == []
    ((_, run),) = bounded.spill()
    (shard,) = plan_shards([run], 10**6)
    assert set(read_shard(shard)["count"].to_pylist()) == {100}


def test_no_counts_make_no_file(tmp_path):
    bounded = BoundedCounts(str(tmp_path), 0)
    assert bounded.add("C1", _counts({})) == []
    assert bounded.spill() == []
    assert list(tmp_path.iterdir()) == []


def test_a_spill_starts_again_from_nothing(tmp_path):
    bounded = BoundedCounts(str(tmp_path), 10**6)
    bounded.add("C1", _counts({b"a": 1}))
    assert len(bounded.spill()) == 1
    assert bounded.spill() == []


def test_a_shard_reads_little_more_than_its_own_bytes(tmp_path):
    runs = _spill(_random_parts(4, 20_000), tmp_path, 200_000)
    num_bytes = sum(path.stat().st_size for path in tmp_path.iterdir())
    shards = list(plan_shards(runs, 300_000))
    assert len(runs) == len(shards) == 4
    read = [sum(extent.num_bytes for extent in shard.extents) for shard in shards]
    assert num_bytes <= sum(read) < 1.1 * num_bytes
    assert max(read) < 0.3 * num_bytes


def test_no_more_than_about_the_bound_is_ever_merged(tmp_path, monkeypatch):
    bound_bytes = 2**16
    sizes = []

    def merge_and_measure(parts):
        parts = list(parts)
        sizes.append(sum(part.nbytes for part in parts))
        return merge_counts(parts)

    monkeypatch.setattr(spilled_counts, "merge_counts", merge_and_measure)
    parts = [{b"%08x" % (i * 500 + j): 1 for j in range(500)} for i in range(100)]
    runs = _spill(parts, tmp_path, bound_bytes)
    merged = [read_shard(shard) for shard in plan_shards(runs, bound_bytes)]
    # All of it is 100 * 500 values of 8 + 4 + 8 bytes: 1 MB. A part is 10 kB.
    assert sum(table.num_rows for table in merged) == 50_000
    assert len(sizes) > 30
    assert max(sizes) < 1.25 * bound_bytes

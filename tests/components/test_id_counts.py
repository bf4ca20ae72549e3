import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.id_counts import BANDS, IdCounts, frequency_bands, read_id_counts, write_id_counts


def _bands(id_counts, ids):
    return [BANDS[code] for code in frequency_bands(id_counts, np.array(ids))]


def _counts(counts_by_id, num_oov_ids=1):
    ids = np.array(sorted(counts_by_id), np.int32)
    counts = np.array([counts_by_id[id_] for id_ in ids.tolist()], np.int64)
    return IdCounts(ids, counts, num_oov_ids)


def _write(folder):
    table = pa.table({"position": [0, 2, 6, 7, 8], "count": [5, 1, 2**40, 3, 4]})
    sizes, num_oov = {"b": 4, "a": 3, "none": 1, "c": 5}, {"a": 1, "b": 2, "none": 1, "c": 0}
    write_id_counts(str(folder), table, sizes, num_oov)


def test_counts_are_read_as_written(tmp_path):
    _write(tmp_path)
    found = read_id_counts(str(tmp_path))
    assert list(found) == ["b", "a", "none", "c"]
    assert {name: (c.ids.tolist(), c.counts.tolist()) for name, c in found.items()} == {
        "b": ([0, 2], [5, 1]),
        "a": ([2], [2**40]),
        "none": ([0], [3]),
        "c": ([0], [4]),
    }
    assert [c.num_oov_ids for c in found.values()] == [2, 1, 1, 0]


def test_file_has_a_row_an_id(tmp_path):
    _write(tmp_path)
    table = pq.read_table(tmp_path / "id_counts.parquet")
    assert table["feature"].to_pylist() == ["b", "b", "a", "none", "c"]
    assert table["id"].to_pylist() == [0, 2, 2, 0, 0]
    assert table["count"].to_pylist() == [5, 1, 2**40, 3, 4]
    assert table.schema.field("id").type == pa.int32()


def test_no_counts_are_read_as_none(tmp_path):
    empty = pa.table({"position": pa.array([], pa.int64()), "count": pa.array([], pa.int64())})
    write_id_counts(str(tmp_path), empty, {"a": 3}, {"a": 1})
    found = read_id_counts(str(tmp_path))
    assert found["a"].ids.tolist() == []
    assert _bands(found["a"], [0, 1, 2]) == ["missing", "unseen", "unseen"]


def test_bands_follow_the_shares_of_occurrences():
    # of 100 occurrences 30 + 20 are half, with 19 + 15 + 6 nine tenths; 6 + 4 are the rest
    counts = _counts({2: 4, 3: 20, 4: 30, 5: 15, 6: 19, 7: 6, 8: 6})
    assert _bands(counts, [4, 3]) == ["head", "head"]
    assert _bands(counts, [6, 5, 7]) == ["middle", "middle", "middle"]
    assert _bands(counts, [8, 2]) == ["tail", "tail"]


def test_the_id_that_reaches_half_is_in_the_head():
    assert _bands(_counts({2: 49, 3: 48, 4: 3}), [2, 3, 4]) == ["head", "head", "tail"]


def test_one_id_is_the_head():
    assert _bands(_counts({2: 1}), [2]) == ["head"]


def test_missing_and_unknown_values_are_no_occurrences():
    counts = _counts({0: 1000, 1: 1000, 2: 500, 3: 6, 4: 3, 5: 1}, num_oov_ids=2)
    assert _bands(counts, [0, 1, 2]) == ["missing", "unseen", "unseen"]
    assert _bands(counts, [3, 4, 5]) == ["head", "middle", "tail"]


def test_without_a_vocabulary_id_1_is_like_any_other():
    assert _bands(_counts({1: 9, 2: 1}, num_oov_ids=0), [1, 2]) == ["head", "tail"]


def test_ids_that_do_not_occur_are_unseen():
    assert _bands(_counts({3: 9}), [2, 4, 2**31 - 1]) == ["unseen"] * 3


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
def test_bands_keep_the_shape_of_the_ids(dtype):
    bands = frequency_bands(_counts({2: 3}), np.array([[0, 1], [2, 3]], dtype))
    assert bands.dtype == np.int8
    assert [[BANDS[code] for code in row] for row in bands] == [
        ["missing", "unseen"],
        ["head", "unseen"],
    ]


def test_bands_equal_a_slow_twin():
    rng = np.random.default_rng(0)
    numbers = {int(i): int(n) for i, n in enumerate(rng.zipf(1.5, 500) % 10_000 + 1, start=2)}
    total, before, expected = sum(numbers.values()), 0, {}
    for id_ in sorted(numbers, key=lambda i: (-numbers[i], i)):
        late = "middle" if 10 * before < 9 * total else "tail"
        expected[id_] = "head" if 2 * before < total else late
        before += numbers[id_]
    ids = rng.permutation(list(numbers))
    assert _bands(_counts(numbers), ids) == [expected[int(i)] for i in ids]
    assert set(expected.values()) == {"head", "middle", "tail"}

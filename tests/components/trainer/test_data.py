import itertools
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf

from components.errors import InputError
from components.parquet import write_table
from components.trainer.data import (
    TEACHER_LOGIT,
    count_rows,
    find_files,
    iterate_chunks,
    make_dataset,
    read_labels,
    read_rows,
)
from schemas.click_log import LABEL, WEIGHT
from schemas.transformed import CATEGORICAL, DENSE


def write_file(path: Path, numbers: list[int], is_weighted: bool = False) -> str:
    """Row number n has dense [n, n + 0.5], ids [n, 2n, 3n], label n mod 2 and weight n + 1."""
    n = np.array(numbers)
    dense = np.stack([n, n + 0.5], axis=1).astype(np.float32)
    ids = np.stack([n, 2 * n, 3 * n], axis=1).astype(np.int32)
    table = pa.table(
        {
            DENSE: pa.FixedSizeListArray.from_arrays(pa.array(dense.ravel()), 2),
            CATEGORICAL: pa.FixedSizeListArray.from_arrays(pa.array(ids.ravel()), 3),
            LABEL: pa.array((n % 2).astype(np.float32)),
        }
    )
    if is_weighted:
        table = table.append_column(WEIGHT, pa.array((n + 1).astype(np.float32)))
    write_table(table, str(path), row_group_size=3)
    return str(path)


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Rows 0..9, 10..13 and 14..24."""
    edges = [(0, 10), (10, 14), (14, 25)]
    return [
        write_file(tmp_path / f"{i}.parquet", list(range(*edge))) for i, edge in enumerate(edges)
    ]


def numbers(files: list[str], window_rows: int, seed: int | None) -> list[list[int]]:
    rng = None if seed is None else np.random.default_rng(seed)
    batches = iterate_chunks(files, 4, window_rows, rng)
    return [rows.categorical[:, 0].tolist() for rows in batches]


def test_columns_of_a_row_stay_together(files: list[str]) -> None:
    rng = np.random.default_rng(0)
    for rows in iterate_chunks(files, 4, 12, rng):
        n = rows.categorical[:, 0]
        np.testing.assert_array_equal(rows.dense, np.stack([n, n + 0.5], axis=1))
        np.testing.assert_array_equal(rows.categorical, np.stack([n, 2 * n, 3 * n], axis=1))
        np.testing.assert_array_equal(rows.label, n % 2)


@pytest.mark.parametrize("window_rows", [1, 12, 1000])
def test_without_a_seed_batches_follow_the_files(files: list[str], window_rows: int) -> None:
    expected = [list(range(i, min(i + 4, 25))) for i in range(0, 25, 4)]
    assert numbers(files, window_rows, None) == expected


@pytest.mark.parametrize("window_rows", [1, 12, 1000])
def test_shuffled_batches_hold_every_row_once_and_only_the_last_is_short(
    files: list[str], window_rows: int
) -> None:
    batches = numbers(files, window_rows, seed=1)
    assert sorted(itertools.chain(*batches)) == list(range(25))
    assert [len(batch) for batch in batches] == [4] * 6 + [1]
    assert batches != numbers(files, window_rows, None)


def test_same_seed_gives_the_same_order_and_another_seed_does_not(files: list[str]) -> None:
    assert numbers(files, 12, seed=1) == numbers(files, 12, seed=1)
    assert numbers(files, 12, seed=1) != numbers(files, 12, seed=2)


def test_a_window_mixes_files_and_reads_no_further(tmp_path: Path) -> None:
    files = [
        write_file(tmp_path / f"{i}.parquet", list(range(10 * i, 10 * i + 10))) for i in range(4)
    ]
    batches = numbers(files, window_rows=20, seed=3)
    first_window = set(itertools.chain(*batches[:5]))
    assert len({n // 10 for n in first_window}) == 2
    assert len({n // 10 for n in batches[0] + batches[1]}) == 2


def test_a_teacher_s_logits_stay_with_their_rows(tmp_path: Path) -> None:
    edges, files, teacher_files = [0, 10, 10, 14, 25], [], []
    for index, edge in enumerate(itertools.pairwise(edges)):
        numbers = list(range(*edge))
        files.append(write_file(tmp_path / f"{index}.parquet", numbers))
        teacher_files.append(str(tmp_path / f"teacher_{index}.parquet"))
        logits = pa.array(np.array(numbers, np.float32) / 8)
        write_table(pa.table({TEACHER_LOGIT: logits}), teacher_files[-1])
    dataset = make_dataset(files, 4, 12, (1, 0), teacher_files)
    seen = []
    for features, _, weight in dataset:
        ids = features[CATEGORICAL].numpy()[:, 0]
        np.testing.assert_array_equal(features[TEACHER_LOGIT], ids / 8)
        seen += ids[weight.numpy() > 0].tolist()
    assert sorted(seen) == list(range(25)) != seen
    assert len(list(dataset)) == 7  # the last one is filled up


def test_logits_of_other_rows_are_refused(files: list[str], tmp_path: Path) -> None:
    path = str(tmp_path / "teacher.parquet")
    write_table(pa.table({TEACHER_LOGIT: pa.array([0.5] * 9, pa.float32())}), path)
    with pytest.raises(InputError, match=r"each of the 10 rows of .*, received 9"):
        read_rows(files[0], path)


def test_an_empty_file_is_passed_over(files: list[str], tmp_path: Path) -> None:
    files = [write_file(tmp_path / "empty.parquet", []), *files]
    assert sorted(itertools.chain(*numbers(files, 1, seed=1))) == list(range(25))


def test_dataset_repeats_its_order_each_time_it_is_read(files: list[str]) -> None:
    dataset = make_dataset(files, 4, 12, seed=(1, 0))
    first = [features[CATEGORICAL].numpy().tolist() for features, _, _ in dataset]
    second = [features[CATEGORICAL].numpy().tolist() for features, _, _ in dataset]
    assert first == second
    features, label, weight = next(iter(dataset))
    assert {features[DENSE].dtype, label.dtype, weight.dtype} == {tf.float32}
    assert (features[DENSE].shape, label.shape, weight.shape) == ((4, 2), (4,), (4,))


@pytest.mark.parametrize("batch_size", [1, 4, 5, 24, 25, 26, 100])
def test_the_last_batch_is_filled_up_with_rows_of_no_weight(
    files: list[str], batch_size: int
) -> None:
    numbers_seen, padding = [], []
    for features, _, weight in make_dataset(files, batch_size, 1):
        assert weight.shape == (batch_size,)
        of_batch = features[CATEGORICAL].numpy()[:, 0]
        numbers_seen += of_batch[weight.numpy() == 1].tolist()
        padding += of_batch[weight.numpy() == 0].tolist()
    assert numbers_seen == list(range(25))
    assert padding == [24] * (-25 % batch_size)


def test_weights_stay_with_their_rows_and_padding_has_none(tmp_path: Path) -> None:
    edges = [(0, 10), (10, 14), (14, 25)]
    files = [
        write_file(tmp_path / f"{i}.parquet", list(range(*edge)), is_weighted=True)
        for i, edge in enumerate(edges)
    ]
    seen = []
    for features, _, weight in make_dataset(files, 4, 12, seed=(1, 0)):
        row_numbers = features[CATEGORICAL].numpy()[:, 0]
        is_row = weight.numpy() > 0
        np.testing.assert_array_equal(weight[is_row], row_numbers[is_row] + 1)
        seen += row_numbers[is_row].tolist()
    assert sorted(seen) == list(range(25))
    assert seen != list(range(25))


def test_labels_come_with_weights_or_ones(files: list[str], tmp_path: Path) -> None:
    label, weight = read_labels(files[1])
    assert (label.tolist(), weight.tolist()) == ([0, 1, 0, 1], [1, 1, 1, 1])
    path = write_file(tmp_path / "w.parquet", [3, 4], is_weighted=True)
    label, weight = read_labels(path)
    assert (label.tolist(), weight.tolist()) == ([1, 0], [4, 5])


def test_int64_ids_stay_int64(tmp_path: Path) -> None:
    path = str(tmp_path / "long.parquet")
    table = pa.table(
        {
            DENSE: pa.FixedSizeListArray.from_arrays(pa.array([0.5], pa.float32()), 1),
            CATEGORICAL: pa.FixedSizeListArray.from_arrays(pa.array([2**40]), 1),
            LABEL: pa.array([1.0], pa.float32()),
        }
    )
    write_table(table, path)
    assert read_rows(path).categorical.tolist() == [[2**40]]


def test_count_rows_adds_up_files(files: list[str]) -> None:
    assert count_rows(files) == 25


def test_one_class_is_refused_with_what_was_found(tmp_path: Path) -> None:
    path = write_file(tmp_path / "even.parquet", [0, 2, 4])
    with pytest.raises(InputError, match=r"even\.parquet.* received 3 rows with 0 clicks"):
        count_rows([path])


def test_find_files_takes_globs_and_leaves_other_files_out(files: list[str]) -> None:
    folder = Path(files[0]).parent
    (folder / "notes.txt").touch()
    assert find_files([f"{folder}/*", f"{folder}/0*"]) == files


def test_find_files_names_the_pattern_that_matches_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing/\*"):
        find_files([f"{tmp_path}/nothing/*"])

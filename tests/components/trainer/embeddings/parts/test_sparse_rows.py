import numpy as np
import pytest
import tensorflow as tf

from components.trainer.embeddings.parts.sparse_rows import SparseRows, largest, lookup


def look_up(layout: SparseRows, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    encoded = {name: tf.Variable(array) for name, array in layout.encode(values).items()}
    found: np.ndarray = lookup(encoded, tf.constant(rows)).numpy()
    return found


def slow_prune(values: np.ndarray, num_kept: int) -> np.ndarray:
    """Keeps one value after the other."""
    pruned = np.zeros_like(values)
    order = sorted(np.ndindex(*values.shape), key=lambda at: (-abs(values[at]), at))
    for at in order[:num_kept]:
        pruned[at] = values[at]
    return pruned


def make_values(num_rows: int, width: int) -> np.ndarray:
    values = np.random.default_rng(0).normal(size=(num_rows, width))
    return (values / np.sqrt(1 + np.arange(num_rows))[:, None]).astype(np.float32)


def test_arrays_of_a_case_worked_out_by_hand() -> None:
    # Row 1 keeps its dimensions 0 and 1, row 2 keeps dimension 1: two slots of three rows.
    # present: bits 1 and 2 -> 6. Masks: dimension 0 has slot 0 -> 1, dimension 1 slots 0, 1 -> 3.
    # Values by dimension, then by slot. A row more has a slot than has values: of 3, none is used.
    values = np.array([[0, 0], [5, -6], [0, 7], [0.5, 0.1]], np.float32)
    arrays = SparseRows(4, 2, 3).encode(values)
    assert {name: array.tolist() for name, array in arrays.items()} == {
        "present": [6],
        "first_slots": [0],
        "masks": [[1, 3]],
        "first_values": [0],
        "values": [5, -6, 7],
    }


@pytest.mark.parametrize(
    ("num_rows", "width", "num_kept"),
    [
        (1, 1, 1),
        (3, 5, 1),
        (64, 2, 20),
        (65, 3, 64),
        (65, 3, 65),
        (200, 16, 50),
        (200, 16, 1_000),
        (130, 7, 900),
        (130, 7, 910),
        (40, 33, 39),
    ],
)
def test_every_row_is_that_of_the_slow_twin(num_rows: int, width: int, num_kept: int) -> None:
    values = make_values(num_rows, width)
    found = look_up(SparseRows(num_rows, width, num_kept), values, np.arange(num_rows))
    np.testing.assert_array_equal(found, slow_prune(values, num_kept))


def test_rows_of_any_rank_are_found() -> None:
    values = make_values(100, 4)
    rows = np.random.default_rng(1).integers(100, size=(5, 3))
    found = look_up(SparseRows(100, 4, 60), values, rows)
    np.testing.assert_array_equal(found, slow_prune(values, 60)[rows])


def test_bytes_are_those_of_the_arrays() -> None:
    for num_kept in (1, 63, 64, 65, 199, 200, 201, 1_399, 1_400):
        layout = SparseRows(200, 7, num_kept)
        arrays = layout.encode(make_values(200, 7))
        assert layout.num_bytes == sum(array.nbytes for array in arrays.values())
        assert {n: (a.shape, a.dtype) for n, a in arrays.items()} == layout.arrays


def test_bytes_of_a_case_worked_out_by_hand() -> None:
    # 100 of 1,000 rows can have a value: 16 words of 8 bytes and 4 for the slots before; 13 blocks
    # of 16 bytes and 4; 100 values.
    assert SparseRows(1_000, 16, 100).num_bytes == 16 * 12 + 13 * 20 + 400


@pytest.mark.parametrize("width", [1, 2, 16, 100])
@pytest.mark.parametrize("num_rows", [1, 2, 9, 65, 10_000, 10**9])
def test_a_larger_ratio_never_gives_more_bytes(num_rows: int, width: int) -> None:
    ratios = [1, 1.01, 1.3, 2, 3.7, 9, 10, 30, 33, 100, 500, 1e4, 1e6, 1e9]
    sizes = [SparseRows.of_ratio(num_rows, width, ratio).num_bytes for ratio in ratios]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == num_rows * width * 4


@pytest.mark.parametrize("width", [16, 128])
@pytest.mark.parametrize("ratio", [1.1, 2, 10, 100])
def test_bytes_are_just_below_those_of_the_ratio(width: int, ratio: float) -> None:
    goal = 100_000 * width * 4 / ratio
    num_bytes = SparseRows.of_ratio(100_000, width, ratio).num_bytes
    assert num_bytes <= goal
    # One value more could need a block more, or at 1 a row the bits of all rows.
    assert num_bytes > goal - 4 - 4 - width - 12


def test_largest_takes_the_first_of_equal_magnitudes() -> None:
    values = np.array([[1, -2, 2], [2, 0, 3]], np.float32)
    np.testing.assert_array_equal(largest(values, 2), [[False, True, False], [False, False, True]])

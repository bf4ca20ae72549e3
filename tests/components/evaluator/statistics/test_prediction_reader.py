import numpy as np
import pytest

from components.evaluator.statistics.prediction_reader import (
    natural_order,
    read_predictions,
    read_rows,
    read_slice_keys,
    read_slices,
    value_order,
)
from tests.components.evaluator.statistics.simulation import write_predictions


@pytest.fixture
def files(tmp_path):
    return write_predictions(
        tmp_path / "predictions",
        [1, 0, 0, 1, 0],
        {"full": [0.5, 0.25, 0.75, 0.125, 1.0]},
        {"C10": ["b", "b", None, "10", "9"], "C9": ["tail", "head", "tail", None, "head"]},
        num_files=2,
    )


def test_columns_follow_each_other_over_the_files(files):
    rows, (predictions,) = read_rows(files, ["full"])
    np.testing.assert_array_equal(rows.is_click, [True, False, False, True, False])
    assert predictions.dtype == np.float32
    np.testing.assert_array_equal(predictions, [0.5, 0.25, 0.75, 0.125, 1.0])
    np.testing.assert_array_equal(read_predictions(files, ["full"]), [predictions])


def test_weights_follow_each_other_or_are_none(files, tmp_path):
    assert read_rows(files, [])[0].weights is None
    columns, weights = {"full": [0.5, 0.25, 0.75]}, np.array([0.5, 3.0, 0.25])
    weighted = write_predictions(tmp_path / "w", [1, 0, 0], columns, num_files=2, weights=weights)
    found = read_rows(weighted, [])[0].weights
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, weights)


def test_slices_of_files_with_different_dictionaries_share_places(files):
    # The first file knows "b" alone, the second "10" and "9".
    places, values = read_slices(files, "C10")
    assert values == ["9", "10", "b"]
    np.testing.assert_array_equal(places, [2, 2, -1, 1, 0])


def test_slice_keys_are_in_natural_order(files):
    assert read_slice_keys(files[0]) == ["C9", "C10"]


def test_values_without_rows_are_left_out(tmp_path):
    files = write_predictions(
        tmp_path / "p", [0, 1, 1], {"full": [0.5] * 3}, {"C1": ["a", "b", None]}
    )
    places, values = read_slices(files[:1], "C1")
    assert values == ["a", "b"]
    np.testing.assert_array_equal(places, [0, 1, -1])


def test_frequency_bands_are_ordered_from_the_head():
    bands = ["missing", "tail", "head", "unseen", "middle"]
    assert value_order(bands) == ["head", "middle", "tail", "unseen", "missing"]


def test_natural_order_compares_numbers_by_value():
    assert natural_order(["C10", "C9", "10 or more", "1-2", "C9b"]) == [
        "1-2",
        "10 or more",
        "C9",
        "C9b",
        "C10",
    ]


def test_a_file_without_rows_changes_nothing(tmp_path):
    full = write_predictions(tmp_path / "a", [1, 0], {"full": [0.5, 0.25]}, {"C1": ["b", "a"]})
    empty = write_predictions(tmp_path / "b", [], {"full": []}, {"C1": []})
    for files in (full + empty, empty + full):
        places, values = read_slices(files, "C1")
        assert values == ["a", "b"]
        np.testing.assert_array_equal(places, [1, 0])
        rows, (predictions,) = read_rows(files, ["full"])
        np.testing.assert_array_equal(rows.is_click, [True, False])
        np.testing.assert_array_equal(predictions, [0.5, 0.25])

import numpy as np
import pytest

from components.evaluator.statistics import slice_places
from components.evaluator.statistics.slice_places import SlicePlaces


@pytest.fixture
def keys():
    random = np.random.default_rng(0)
    return [(random.integers(-1, 4, 200), 4), (random.integers(0, 2, 200), 2)]


def test_slices_of_a_key_stand_behind_those_of_the_key_before():
    found = SlicePlaces([(np.array([0, -1, 1]), 2), (np.array([2, 0, -1]), 3)])
    assert found.count == 5
    np.testing.assert_array_equal(found.places, [[0, 4], [5, 2], [1, 5]])


def test_sums_agree_with_those_of_each_slice_by_itself(keys, monkeypatch):
    monkeypatch.setattr(slice_places, "_CHUNK_ROWS", 64)
    values = np.random.default_rng(1).normal(size=(3, 200))
    expected = [
        values[:, places == place].sum(axis=1) for places, count in keys for place in range(count)
    ]
    found = SlicePlaces(keys).sums(lambda rows: list(values[:, rows]))
    np.testing.assert_allclose(found, np.transpose(expected), rtol=1e-12)


def test_squares_agree_with_those_of_each_slice_by_itself(keys):
    values, others = np.random.default_rng(1).normal(size=(2, 200, 2))
    for index, each in enumerate([values, values - others]):
        expected = [
            np.sum(each[places == place, key] ** 2)
            for key, (places, count) in enumerate(keys)
            for place in range(count)
        ]
        found = SlicePlaces(keys).squares(values, others)[index]
        np.testing.assert_allclose(found, expected, rtol=1e-12)

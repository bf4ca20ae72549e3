"""Which slices the eval rows are in, and sums over them."""

from collections.abc import Callable, Sequence

import numpy as np

from components.evaluator.statistics.compiled import compiled

_CHUNK_ROWS = 2**14


class SlicePlaces:
    """The slices of several keys, one key's after the other's. A row is in one of each, or in none.

    Attributes:
      places: int32 `[num_rows, num_keys]`: each row's slice of each key; `count` for none.
      count: how many slices all keys have.
    """

    def __init__(self, keys: Sequence[tuple[np.ndarray, int]]) -> None:
        """Numbers the slices.

        Args:
          keys: of each key the places of the rows among its own slices, int `[num_rows]`, -1 for
            none, and how many these are.
        """
        self.count = sum(count for _, count in keys)
        self.places = np.empty((len(keys[0][0]), len(keys)), np.int32)
        first = 0
        for index, (places, count) in enumerate(keys):
            self.places[:, index] = np.where(places < 0, self.count, first + places)
            first += count

    def sums(self, terms: Callable[[slice], Sequence[np.ndarray]]) -> np.ndarray:
        """Returns the sums over the rows of each slice, float64 `[num_terms, num_slices]`.

        Args:
          terms: gives what is added up of some rows, each `[num_rows]`.
        """
        parts = []
        for start in range(0, len(self.places), _CHUNK_ROWS):
            rows = slice(start, start + _CHUNK_ROWS)
            values = np.stack(terms(rows), axis=1, dtype=np.float64)
            parts.append(np.zeros((self.count + 1, values.shape[1])))
            _add_rows(self.places[rows], values, parts[-1])
        return np.sum(parts, axis=0)[:-1].T

    def squares(self, values: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Returns the sums of squares of values and of their differences to others.

        Args:
          values: float64 `[num_rows, num_keys]`.
          others: float64 `[num_rows, num_keys]`.

        Returns:
          float64 `[2, num_slices]`.
        """
        sums = np.zeros((2, self.count + 1))
        _add_squares(self.places, values, others, sums)
        return sums[:, :-1]


@compiled("void(int32[:, ::1], float64[:, ::1], float64[:, ::1])")
def _add_rows(places: np.ndarray, values: np.ndarray, sums: np.ndarray) -> None:
    """Adds each row's values to the sums of its slices.

    Args:
      places: int32 `[num_rows, num_keys]`.
      values: float64 `[num_rows, num_values]`.
      sums: float64 `[num_slices + 1, num_values]`, is added to.
    """
    for row in range(len(places)):
        for place in places[row]:
            for index in range(values.shape[1]):
                sums[place, index] += values[row, index]


@compiled("void(int32[:, ::1], float64[:, ::1], float64[:, ::1], float64[:, ::1])")
def _add_squares(
    places: np.ndarray, values: np.ndarray, others: np.ndarray, sums: np.ndarray
) -> None:
    """Adds squares of values, one for each row and key, and of their differences to others.

    Args:
      places: int32 `[num_rows, num_keys]`.
      values: float64 `[num_rows, num_keys]`.
      others: float64 `[num_rows, num_keys]`.
      sums: float64 `[2, num_slices + 1]`, is added to.
    """
    for row in range(len(places)):
        for key in range(places.shape[1]):
            place = places[row, key]
            sums[0, place] += values[row, key] ** 2
            sums[1, place] += (values[row, key] - others[row, key]) ** 2

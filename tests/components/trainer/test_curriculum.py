from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from components.id_counts import IdCounts, write_id_counts
from components.trainer.config import TrainerConfig
from components.trainer.curriculum import Curriculum, Frequencies, read_frequencies
from components.trainer.hyperparameters import with_values

# Of feature a ids 0 and 2 occur, of feature b ids 1, 2 and 3.
COUNTS = {
    "b": IdCounts(np.array([1, 2, 3], np.int32), np.array([1, 100, 10]), 1),
    "a": IdCounts(np.array([0, 2], np.int32), np.array([1000, 10]), 1),
}
FREQUENCIES = Frequencies(COUNTS, {"a": 3, "b": 5})
# Counts (1000, 1), (10, 100), (1000, 100), (10, 10), (not counted, 10).
ROWS = np.array([[0, 1], [2, 2], [0, 2], [2, 3], [1, 3]], np.int32)


def order(num_rows: int, num_before: int = 0, rare: bool = False, seed: int = 0) -> list[int]:
    curriculum = Curriculum(FREQUENCIES, rare, num_rows)
    return curriculum.order(ROWS, num_before, np.random.default_rng(seed)).tolist()


def test_score_is_the_mean_logarithm_of_the_counts() -> None:
    expected = np.log(10) * np.array([1.5, 1.5, 2.5, 1.0, 0.5])
    np.testing.assert_allclose(FREQUENCIES.scores(ROWS), expected, rtol=1e-6)


def test_frequent_or_rare_rows_come_first_and_equal_ones_at_random() -> None:
    found = {tuple(order(5, seed=seed)) for seed in range(20)}
    assert found == {(2, 0, 1, 3, 4), (2, 1, 0, 3, 4)}
    found = {tuple(order(5, rare=True, seed=seed)) for seed in range(20)}
    assert found == {(4, 3, 0, 1, 2), (4, 3, 1, 0, 2)}


def test_behind_the_ordered_rows_of_a_window_the_others_come_at_random() -> None:
    # Four rows of the epoch are ordered, three lie before the window.
    found = [order(4, num_before=3, seed=seed) for seed in range(50)]
    assert {rows[0] for rows in found} == {2}
    assert {rows[1] for rows in found} == {0, 1, 3, 4}
    assert all(sorted(rows) == [0, 1, 2, 3, 4] for rows in found)


def test_behind_the_curriculum_windows_are_shuffled_as_without_one() -> None:
    for num_before in (4, 9):
        expected = np.random.default_rng(7).permutation(5).tolist()
        assert order(4, num_before, seed=7) == expected


def test_frequencies_are_those_beside_the_transform_graph(tmp_path: Path) -> None:
    sizes = {"a": 3, "b": 5}
    table = pa.table({"position": [0, 2, 4, 5, 6], "count": [1000, 10, 1, 100, 10]})
    write_id_counts(str(tmp_path), table, sizes, {"a": 1, "b": 1})
    config = TrainerConfig(curriculum={"order": "rare_first"})
    found = read_frequencies(config, str(tmp_path), sizes)
    np.testing.assert_array_equal(found.scores(ROWS), FREQUENCIES.scores(ROWS))
    assert read_frequencies(TrainerConfig(), "absent", sizes) is None


def test_fields_are_set_by_path_and_checked() -> None:
    config = with_values(TrainerConfig(), {"curriculum.order": "rare_first"})
    assert TrainerConfig.from_json(config.to_json()) == config
    with pytest.raises(ValidationError, match=r"curriculum\.fraction"):
        TrainerConfig(curriculum={"fraction": 0})

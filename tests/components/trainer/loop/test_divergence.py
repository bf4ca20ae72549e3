import math
from pathlib import Path

import pyarrow as pa
import pytest

from components.parquet import write_table
from components.trainer.loop.divergence import DivergenceCheck, constant_loss, mean_weight
from schemas.click_log import LABEL, WEIGHT


def first_diverging(check: DivergenceCheck, losses: list[float]) -> int | None:
    """The number, from 1, of the loss at which the check speaks up."""
    return next((n for n, loss in enumerate(losses, start=1) if check.add(loss)), None)


@pytest.mark.parametrize(
    ("num_steps", "expected"), [(1, 10), (999, 10), (5_050, 50), (10_000, 100), (10**9, 100)]
)
def test_a_window_is_a_hundredth_of_the_training_within_limits(
    num_steps: int, expected: int
) -> None:
    assert DivergenceCheck.of_training(0.5, num_steps).window_steps == expected


def test_ten_absurd_windows_on_end_diverge() -> None:
    check = DivergenceCheck(constant_loss=0.3, window_steps=10)
    # log(2) is what an untrained network has: up to twice of it is not absurd.
    assert first_diverging(check, [2 * math.log(2) + 0.01] * 200) == 100


def test_twice_an_untrained_loss_does_not_diverge() -> None:
    check = DivergenceCheck(constant_loss=0.3, window_steps=10)
    assert first_diverging(check, [2 * math.log(2) - 0.01] * 1000) is None


def test_a_loss_far_above_the_best_window_diverges() -> None:
    check = DivergenceCheck(constant_loss=0.1, window_steps=10)
    # The best window is 0.2, the limit 0.4.
    assert first_diverging(check, [0.2] * 50 + [0.39] * 500) is None
    check = DivergenceCheck(constant_loss=0.1, window_steps=10)
    assert first_diverging(check, [0.2] * 50 + [0.41] * 500) == 150


def test_a_loss_within_twice_the_constant_prediction_does_not_diverge() -> None:
    # An overfitted epoch ends at 0.05; the next one starts with the loss of new rows.
    check = DivergenceCheck(constant_loss=0.5, window_steps=10)
    assert first_diverging(check, [0.05] * 50 + [0.99] * 500) is None


def test_a_loss_that_starts_lower_diverges_lower() -> None:
    check = DivergenceCheck.of_training(0.1, 100, untrained_loss=0.15)
    assert first_diverging(check, [0.29] * 500) is None
    check = DivergenceCheck.of_training(0.1, 100, untrained_loss=0.15)
    assert first_diverging(check, [0.31] * 500) == 100


def test_one_good_window_starts_the_count_again() -> None:
    check = DivergenceCheck(constant_loss=0.5, window_steps=10)
    assert first_diverging(check, ([9.0] * 90 + [0.6] * 10) * 10) is None


def test_read_back_it_counts_on() -> None:
    check = DivergenceCheck(constant_loss=0.5, window_steps=10)
    assert first_diverging(check, [0.6] * 5 + [9.0] * 90) is None
    again = DivergenceCheck.model_validate_json(check.model_dump_json())
    assert again == check
    # The window with the five good losses is bad too; five losses of the tenth are there.
    assert first_diverging(again, [9.0] * 10) == 5


def test_the_reason_names_mean_and_limit() -> None:
    check = DivergenceCheck(constant_loss=0.25, window_steps=10)
    first_diverging(check, [0.5] * 10 + [3.0] * 100)
    assert check.describe() == (
        "the means of 10 times 10 losses on end were above 1.0000, twice the larger of the "
        "best such mean (0.5000) and the loss of one prediction for all rows (0.2500)"
    )


def write_labels(path: Path, labels: list[float]) -> str:
    write_table(pa.table({LABEL: pa.array(labels, pa.float32())}), str(path))
    return str(path)


def test_constant_loss_is_the_entropy_of_the_click_rate(tmp_path: Path) -> None:
    files = [
        write_labels(tmp_path / "a.parquet", [1, 0, 0]),
        write_labels(tmp_path / "b.parquet", [0] * 5),
    ]
    expected = -(1 / 8 * math.log(1 / 8) + 7 / 8 * math.log(7 / 8))
    assert constant_loss(files, 1.0) == pytest.approx(expected)


def test_constant_loss_weighs_rows_without_a_click(tmp_path: Path) -> None:
    files = [write_labels(tmp_path / "a.parquet", [1, 0, 0])]
    # One click and 2 * 3.5 other rows.
    expected = -(1 / 8 * math.log(1 / 8) + 7 / 8 * math.log(7 / 8))
    assert constant_loss(files, 3.5) == pytest.approx(expected)


def test_constant_loss_takes_16_of_many_files(tmp_path: Path) -> None:
    clicks = write_labels(tmp_path / "clicks.parquet", [1, 1])
    others = write_labels(tmp_path / "others.parquet", [0, 0])
    absent = str(tmp_path / "absent.parquet")
    # 31 files: the even ones are read, from the first to the last.
    files = [absent if i % 2 else [clicks, others][i // 2 % 2] for i in range(31)]
    assert constant_loss(files, 1.0) == pytest.approx(math.log(2))


def _weighted_file(folder: Path) -> str:
    path = str(folder / "weighted.parquet")
    columns = {LABEL: [1, 0, 0], WEIGHT: [0.5, 1.5, 0.25]}
    write_table(pa.table({k: pa.array(v, pa.float32()) for k, v in columns.items()}), path)
    return path


def test_constant_loss_is_that_of_the_weighted_click_rate(tmp_path: Path) -> None:
    path = _weighted_file(tmp_path)
    # Half a click and 2 * (1.5 + 0.25) other rows.
    expected = -(1 / 8 * math.log(1 / 8) + 7 / 8 * math.log(7 / 8))
    assert constant_loss([path], 2.0) == pytest.approx(expected)


def test_mean_weight_is_that_of_log_and_sampled_negatives_together(tmp_path: Path) -> None:
    path = _weighted_file(tmp_path)
    assert mean_weight([path], 1.0) == pytest.approx((0.5 + 1.5 + 0.25) / 3)
    assert mean_weight([path], 2.0) == pytest.approx((0.5 + 3.0 + 0.5) / 3)

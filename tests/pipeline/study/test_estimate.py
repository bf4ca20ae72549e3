import math

import pytest

from components.errors import InputError
from components.synthetic.click_log import SyntheticConfig
from pipeline.study.config import StudyConfig
from pipeline.study.estimate import Estimate, Estimator, log_rows, total_seconds
from pipeline.study.grid import make_groups
from pipeline.study.journal import Timing
from pipeline.vertex.cost.durations import training_hours

STUDY = StudyConfig(
    preset="tiny",
    datasets=["243kB", "full"],
    variants={"full": {}, "hashing": {"embedding": {"method": "hashing"}}},
    methods={"epochs": {"trainer.epochs": [3]}},
)
SMALL, LARGE = make_groups(STUDY, "x")
FULL, HASHING, EPOCHS = SMALL.cells


def timing(group, cell, seconds, speed, **changes):
    values = {
        "group": group,
        "cell": cell.name,
        "seed_index": 0,
        "architecture": cell.architecture,
        "variant": cell.variant,
        "device": "cpu",
        "num_cores": 1.0,
        "parallel": 2,
        "examples": 800,
        "train_examples_per_second": speed,
        "seconds": seconds,
    }
    return Timing(**{**values, **changes})


def test_a_cell_that_has_ended_takes_the_median_of_its_seeds():
    timings = [timing("243kB", FULL, s, 100) for s in (9.0, 10.0, 50.0)]
    assert Estimator(timings, 1.0, 4000).training(SMALL, FULL) == Estimate(10.0, "measured")


def test_other_cells_take_speed_and_fixed_costs_of_the_same_variant():
    # 800 examples at 100 a second and 4 s besides.
    timings = [timing("243kB", FULL, 12.0, 100), timing("243kB", HASHING, 99.0, 10)]
    estimator = Estimator(timings, 1.0, 4000)
    # The full log has 4,000 rows of which 80 % are trained on; 243 kB have 1,000.
    assert estimator.training(LARGE, LARGE.cells[0]) == Estimate(4 + 3200 / 100, "from others")
    assert estimator.training(SMALL, EPOCHS) == Estimate(4 + 3 * 800 / 100, "from others")


def test_cells_of_another_variant_take_the_median_of_all():
    timings = [timing("243kB", FULL, 12.0, 100)]
    assert Estimator(timings, 1.0, 4000).training(SMALL, HASHING) == Estimate(12.0, "from others")


@pytest.mark.parametrize("changes", [{"num_cores": 2.0}, {"device": "gpu"}])
def test_trainings_on_other_machines_tell_nothing(changes):
    timings = [timing("243kB", FULL, 12.0, 100, **changes)]
    assert Estimator(timings, 1.0, 4000).training(SMALL, FULL).basis == "assumed"


def test_without_any_training_the_measured_speeds_of_the_documentation_count():
    hours = training_hours(SMALL.cells_config, SMALL.trainer_configs["dlrm_full"], 4000, 1)
    seconds, basis = Estimator([], 1.0, 4000).training(SMALL, FULL)
    assert basis == "assumed"
    assert seconds == 15 + 3600 * math.sqrt(hours.low * hours.high)


def test_the_longest_go_first_to_whoever_is_free():
    # 9 | 5 + 4: the last 3 waits for 9 or 9, so 12.
    assert total_seconds([3, 4, 5, 9], 2) == 12
    assert total_seconds([3, 4, 5, 9], 1) == 21
    assert total_seconds([3], 4) == 3


def test_rows_of_logs(tmp_path):
    (tmp_path / "a.tsv").write_bytes(b"x" * 2430)
    (tmp_path / "b.tsv.gz").write_bytes(b"x" * 243)
    pattern = str(tmp_path / "*")
    assert log_rows(pattern, SyntheticConfig(rows=1)) == 10 + 3
    assert log_rows(None, SyntheticConfig(rows=7)) == 7
    assert log_rows(None, SyntheticConfig(megabytes=0.243)) == 1000
    (tmp_path / "day_2026-01-02.tsv").write_bytes(b"x" * 486)
    dates = str(tmp_path / "day_{YYYY}-{MM}-{DD}.tsv")
    assert log_rows(dates, SyntheticConfig(rows=1)) == 2
    assert log_rows(str(tmp_path / "day_2026-01-{SPAN:2}.tsv"), SyntheticConfig(rows=1)) == 2
    with pytest.raises(InputError, match="matches none"):
        log_rows(str(tmp_path / "c*"), SyntheticConfig(rows=1))

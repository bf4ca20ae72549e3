from pipeline.study.journal import Timing, add_timing, read_timings

TIMING = Timing(
    group="1MB",
    cell="dlrm_full",
    seed_index=1,
    architecture="dlrm",
    variant="full",
    device="cpu",
    num_cores=0.5,
    parallel=4,
    examples=1000,
    train_examples_per_second=500.0,
    seconds=12.0,
)


def test_timings_come_back_in_order(tmp_path):
    path = tmp_path / "timings.jsonl"
    later = TIMING.model_copy(update={"seconds": 13.0})
    for each in (TIMING, later):
        add_timing(path, each)
    assert read_timings(path) == [TIMING, later]


def test_a_line_that_was_cut_costs_no_other(tmp_path):
    path = tmp_path / "timings.jsonl"
    add_timing(path, TIMING)
    with path.open("a") as file:
        file.write('\n{"group": "1M')
    add_timing(path, TIMING)
    assert read_timings(path) == [TIMING, TIMING]


def test_no_file_is_no_timing(tmp_path):
    assert read_timings(tmp_path / "timings.jsonl") == []


def test_fixed_seconds_are_those_without_the_steps():
    assert TIMING.fixed_seconds == 12 - 1000 / 500
    assert TIMING.model_copy(update={"seconds": 1.0}).fixed_seconds == 0

"""How long steps take: the model against the measurements that it was made from."""

import pytest

from pipeline.config import PipelineConfig
from pipeline.load_config import load_config
from pipeline.vertex.cost.durations import (
    Range,
    beam_core_seconds,
    operations_per_example,
    own_hours,
    training_hours,
    tuning_hours,
)

CRITEO_ROWS_PER_GB = 4_115_007


def config(*assignments: str, preset: str = "tiny") -> PipelineConfig:
    return load_config(preset, assignments=assignments)


def network(bottom: str, top: str, dim: int) -> PipelineConfig:
    sizes = [f"trainer.bottom_mlp={bottom}", f"trainer.top_mlp={top}"]
    return config(*sizes, f"trainer.embedding_dim={dim}", "example_gen.split.eval_fraction=0.5")


def seconds_per_example(of: PipelineConfig) -> float:
    """On one core, at the low end; the rows of the train split are half of all."""
    hours = training_hours(of, of.trainers()["full"], 2_000_000, vcpus=1).low
    return hours * 3600 / 1_000_000


def test_operations_of_a_small_network_by_hand():
    of = config("trainer.bottom_mlp=[8]", "trainer.top_mlp=[4]", "trainer.embedding_dim=2")
    # 13 dense features; 27 vectors of width 2, 351 pairs.
    weights = 13 * 8 + 8 * 2 + (2 + 351) * 4 + 4 * 1
    assert operations_per_example(of, of.trainers()["full"]) == 6 * (weights + 27 * 27 * 2)


def test_operations_of_cross_layers_by_hand():
    of = config(
        "trainer.interaction=cross",
        "trainer.num_cross_layers=2",
        "trainer.bottom_mlp=[8]",
        "trainer.top_mlp=[4]",
        "trainer.embedding_dim=2",
    )
    weights = 13 * 8 + 8 * 2 + 54 * 4 + 4 * 1
    assert operations_per_example(of, of.trainers()["full"]) == 6 * (weights + 2 * 54 * 54)


@pytest.mark.parametrize(
    ("bottom", "top", "dim", "measured"),
    # docs/performance.md, SGD in float32 on two cores, examples a second.
    [("[64,32]", "[256,64]", 16, 116_379), ("[512,256]", "[1024,1024,512,256]", 64, 14_979)],
)
def test_training_agrees_with_the_measured_networks(bottom, top, dim, measured):
    assert 2 / seconds_per_example(network(bottom, top, dim)) == pytest.approx(measured, rel=0.02)


@pytest.mark.parametrize(
    ("step", "cores", "measured"), [("ExampleGen", 2, 8.0), ("Transform", 2, 14.6)]
)
def test_beam_steps_agree_with_the_measured_gigabyte(step, cores, measured):
    seconds = own_hours(step, config(), CRITEO_ROWS_PER_GB, cores).low * 3600
    assert seconds == pytest.approx(measured, rel=0.02)


def test_statistics_use_one_core_outside_of_dataflow():
    one, many = (own_hours("StatisticsGen", config(), 10**8, vcpus) for vcpus in (1, 16))
    assert one == many
    assert one.low * 3600 == pytest.approx(10**8 / 152_000)


def test_the_evaluator_agrees_with_the_measured_run_of_ten_variants():
    ten = [f"variants.v{index}={{}}" for index in range(7)]
    of = config(*ten)
    assert len(of.variants) == 10
    seconds = own_hours("Evaluator", of, 5 * 99_750, vcpus=2)
    # The whole step took 46.8 s, of which a fixed part is counted as the start.
    assert seconds.low * 3600 < 46.8 < seconds.high * 3600 + 30


def test_example_gen_reads_all_rows_and_transform_the_kept_ones():
    half = config("example_gen.size_megabytes=24.3")
    assert beam_core_seconds("ExampleGen", half, 200_000) == beam_core_seconds(
        "ExampleGen", config(), 200_000
    )
    assert beam_core_seconds("Transform", half, 200_000) == beam_core_seconds(
        "Transform", config(), 100_000
    )


def test_training_takes_in_proportion_to_epochs():
    once, twice = config(), config("trainer.epochs=2")
    hours = [training_hours(c, c.trainers()["full"], 10**6, 2).high for c in (once, twice)]
    assert hours[1] == pytest.approx(2 * hours[0])


def test_the_high_end_gains_nothing_from_more_than_four_vcpus():
    of = config()
    trainer = of.trainers()["full"]
    four, many = (training_hours(of, trainer, 10**6, vcpus) for vcpus in (4, 32))
    assert many.high == four.high
    assert many.low == pytest.approx(four.low / 8)


def test_tuning_counts_every_training():
    search = "tuner.search={max_trials: 3, fields: {epochs: {values: [1, 2]}}}"
    tuned, plain = config(search, "tuner.num_seeds=2"), config()
    once = training_hours(plain, plain.trainers()["full"], 10**6, 2)
    assert tuning_hours(tuned, 10**6, 2).low == pytest.approx(6 * once.low)


def test_tuning_on_fewer_rows_takes_as_much_less():
    search = "tuner.search={max_trials: 1, fields: {epochs: {values: [1]}}}"
    few, all_rows = config(search, "tuner.max_rows=1000"), config(search)
    ratio = tuning_hours(all_rows, 10_000, 2).low / tuning_hours(few, 10_000, 2).low
    assert ratio == pytest.approx(8)


def test_ranges_add_and_scale_both_ends():
    assert Range(1, 2) + Range(10, 20).times(0.5) == Range(6, 12)

"""What a run would cost: by hand for small cases, by its properties for whole runs."""

import pytest

from components.errors import InputError
from pipeline.config import PipelineConfig
from pipeline.load_config import load_config
from pipeline.vertex.cost.cost import Estimate, estimate, render
from pipeline.vertex.cost.durations import Range
from pipeline.vertex.cost.step_costs import StepCost

# US dollars an hour in us-central1: Compute Engine's price and 15 %.
E2_STANDARD_4 = 0.26805 / 2 * 1.15
N1_STANDARD_8 = 0.76 / 2 * 1.15
DISK_100_GB = 34 / 200 / 730 * 100 * 1.15
LOW_START, HIGH_START = 3 / 60, 10 / 60


def config(*assignments: str, preset: str = "tiny") -> PipelineConfig:
    return load_config(preset, assignments=assignments)


def cost_of(step: str, estimated: Estimate) -> StepCost:
    return next(cost for cost in estimated.steps if cost.step == step)


def test_a_step_that_computes_nothing_costs_its_start():
    schema_gen = cost_of("SchemaGen", estimate(config(), "us-central1", None, 1000))
    assert schema_gen.usd.low == pytest.approx((LOW_START + 1 / 3600) * E2_STANDARD_4)
    assert schema_gen.usd.high == pytest.approx((HIGH_START + 30 / 3600) * E2_STANDARD_4)


def test_a_trainer_costs_its_job_and_the_container_that_waits():
    estimated = estimate(config(), "us-central1", None, 1000, hours={"Trainer_full": 2})
    trainer = cost_of("Trainer_full", estimated)
    job = N1_STANDARD_8 + DISK_100_GB
    low = (2 + LOW_START) * job + (2 + 2 * LOW_START) * E2_STANDARD_4
    assert trainer.usd.low == pytest.approx(low, rel=1e-5)
    assert trainer.machines == "e2-standard-4 + n1-standard-8"


def test_hours_of_all_trainers_leave_one_that_is_named_alone():
    hours = {"Trainer": 3.0, "Trainer_full": 1.0}
    estimated = estimate(config(), "us-central1", None, 1000, hours=hours)
    full, hashing = cost_of("Trainer_full", estimated), cost_of("Trainer_hashing", estimated)
    assert hashing.hours.low - full.hours.low == pytest.approx(2)


def test_a_tpu_costs_its_chips():
    tpu = "vertex.trainer={machine_type: ct5lp-hightpu-4t, tpu_topology: 2x2}"
    estimated = estimate(
        config(tpu, "trainer.batch_size=2048"), "us-central1", None, 1000, hours={"Trainer": 1}
    )
    trainer = cost_of("Trainer_full", estimated)
    low = (1 + LOW_START) * (4 * 1.2 * 1.15 + DISK_100_GB) + (1 + 2 * LOW_START) * E2_STANDARD_4
    assert trainer.usd.low == pytest.approx(low, rel=1e-5)


def test_workers_that_train_together_cost_as_many_times():
    alone = estimate(config(), "us-central1", None, 1000, hours={"Trainer": 1})
    together = estimate(
        config("vertex.trainer.num_workers=3"), "us-central1", None, 1000, hours={"Trainer": 1}
    )
    more = cost_of("Trainer_full", together).usd.low - cost_of("Trainer_full", alone).usd.low
    assert more == pytest.approx(2 * (1 + LOW_START) * (N1_STANDARD_8 + DISK_100_GB), rel=1e-5)


def test_a_gpu_takes_at_most_its_time_limit():
    gpu = "{accelerator_type: NVIDIA_TESLA_T4, accelerator_count: 1, timeout_hours: 5}"
    estimated = estimate(config(f"vertex.trainers.full={gpu}"), "us-central1", None, 1000)
    hours = cost_of("Trainer_full", estimated).hours
    assert hours == Range(pytest.approx(2 * LOW_START), pytest.approx(2 * HIGH_START + 5))
    assert any("GPUs and TPUs" in sentence for sentence in estimated.assumptions)


def test_a_trainer_on_cpus_takes_no_longer_than_its_time_limit():
    long = estimate(config("vertex.trainer.timeout_hours=7"), "us-central1", None, 10**12)
    assert cost_of("Trainer_full", long).hours.low == pytest.approx(7 + 2 * LOW_START)


def test_dataflow_costs_work_and_shuffle():
    on_dataflow = config("vertex.dataflow={max_num_workers: 1}")
    estimated = estimate(on_dataflow, "us-central1", None, 257_000 * 3600)
    example_gen = cost_of("ExampleGen", estimated)
    # One core hour at the low end: a quarter of an hour of a worker of four vCPUs and 15 GB.
    worker = 4 * 0.056 + 15 * 0.003557 + 50 * 0.000054
    waiting = (2 * LOW_START + 0.25) * E2_STANDARD_4
    assert example_gen.usd.low == pytest.approx((0.25 + LOW_START) * worker + waiting)
    # At the high end the slower speed, twice the work, and every byte is shuffled.
    work = 2 * 257_000 / 171_000 / 4
    shuffle = 257_000 * 3600 * 243 / 1e9 * 0.011
    waiting = (2 * HIGH_START + work) * E2_STANDARD_4
    high = (work + HIGH_START) * worker + waiting + shuffle
    assert example_gen.usd.high == pytest.approx(high)


def test_every_step_of_the_pipeline_is_priced():
    chosen = config("seeds=2", "preflight.chips=[v5e]", preset="tune")
    estimated = estimate(chosen, "us-central1", None, 1000)
    steps = [cost.step for cost in estimated.steps]
    variants = list(config(preset="tune").variants)
    trainers = [f"Trainer_{name}{seed}" for name in variants for seed in ("", "_Seed1")]
    before = ["ExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator", "Transform"]
    assert steps == [*before, "Preflight", "Tuner", *trainers, "Evaluator", "Pusher"]


def test_the_total_is_the_high_end_of_all_steps_and_the_fee_of_a_run():
    estimated = estimate(config(), "europe-west4", None, 1000)
    assert estimated.total_usd == pytest.approx(sum(c.usd.high for c in estimated.steps) + 0.03)


def test_rows_are_counted_from_the_size_of_the_log():
    assert estimate(config(), "us-central1", 243_000, None).rows == 1000


def test_more_rows_never_cost_less():
    costs = [estimate(config(), "us-central1", None, rows).usd for rows in (10**4, 10**7, 10**9)]
    assert [c.low for c in costs] == sorted(c.low for c in costs)
    assert costs[0].high < costs[1].high < costs[2].high


def test_an_endpoint_is_named_with_its_price_and_left_out_of_the_sum():
    serving = config("vertex.endpoint={name: clicks, min_replica_count: 2, max_replica_count: 2}")
    estimated = estimate(serving, "us-central1", None, 1000)
    assert estimated.usd == estimate(config(), "us-central1", None, 1000).usd
    assert f"{2 * 0.76 / 4 * 1.15:.2f} US dollars an hour" in estimated.assumptions[-1]


def test_a_log_of_unknown_size_is_refused():
    with pytest.raises(InputError, match="give --rows"):
        estimate(config(), "us-central1", None, None)


def test_hours_of_an_unknown_step_are_refused():
    with pytest.raises(InputError, match=r"--hours Trainers: no such step; known: .*Trainer_full"):
        estimate(config(), "us-central1", None, 1000, hours={"Trainers": 1})


def test_hours_below_zero_are_refused():
    with pytest.raises(InputError, match="--hours Trainer: expected hours, received -1"):
        estimate(config(), "us-central1", None, 1000, hours={"Trainer": -1})


def test_a_region_without_prices_is_refused():
    with pytest.raises(InputError, match=r"e2-standard-4 has no price in mars-north1; known: us-"):
        estimate(config(), "mars-north1", None, 1000)


def test_dataflow_without_prices_is_refused():
    with pytest.raises(
        InputError, match=r"Dataflow has no price in asia-east1; known: us-central1"
    ):
        estimate(config("vertex.dataflow={}"), "asia-east1", None, 1000)


def test_render_aligns_a_line_a_step_and_tells_every_assumption():
    estimated = estimate(config(), "us-central1", None, 12_345)
    lines = render(estimated).splitlines()
    table = lines[: lines.index("")]
    assert len({len(line) for line in table}) == 1
    assert table[-1].split()[0] == "sum" and f"{estimated.total_usd:.2f}" in table[-1]
    assert [line.split()[0] for line in table[2:-2]] == [cost.step for cost in estimated.steps]
    assert "12,345 rows in us-central1" in lines[len(table) + 1]
    assert lines[-len(estimated.assumptions) :] == [f"- {text}" for text in estimated.assumptions]

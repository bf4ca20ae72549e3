import pytest

from components.evaluator.comparison import LatencyResult
from components.evaluator.costs import seconds_to_target, variant_costs
from components.evaluator.measures import COSTS, find_measure
from components.training_record import EvalPoint, TrainingRecord


def curve(*points: tuple[float, float]) -> tuple[EvalPoint, ...]:
    """Evaluations after these seconds with these loglosses."""
    return tuple(
        EvalPoint(step=n, examples=64 * n, train_seconds=seconds, logloss=logloss)
        for n, (seconds, logloss) in enumerate(points, start=1)
    )


def record(**fields: object) -> TrainingRecord:
    values = {
        "variant": "hashing",
        "method": "hashing",
        "seed": 0,
        "config": {},
        "num_parameters": 1000,
        "embedding_bytes": 4000,
        "embedding_training_bytes": 9000,
        "train_rows": 640,
        "train_steps": 10,
        "trace_seconds": 0.5,
        "train_seconds": 2.0,
        "train_examples_per_second": 320.0,
        "final_train_loss": 0.6,
        "eval_curve": curve((0.5, 0.5), (1.0, 0.45), (1.5, 0.46), (2.0, 0.44)),
        "eval_rows": 100,
        "eval_logloss": 0.44,
        "export_seconds": 1.0,
    }
    return TrainingRecord.model_validate(values | fields)


@pytest.mark.parametrize(
    ("target", "seconds"), [(0.6, 0.5), (0.45, 1.0), (0.449, 2.0), (0.43, None), (None, None)]
)
def test_seconds_to_target_are_those_of_the_first_evaluation_that_reaches_it(target, seconds):
    assert seconds_to_target(record(), target) == seconds


def test_seconds_to_target_without_evaluations_are_unknown():
    assert seconds_to_target(record(eval_curve=()), 10.0) is None


def test_costs_of_one_replica_are_those_of_its_record():
    assert variant_costs([record()], 12_345, (), 0.45) == {
        "embedding_bytes": 4000,
        "serving_bytes": 12_345,
        "training_bytes": 9000,
        "num_parameters": 1000,
        "train_seconds": 2.0,
        "train_examples_per_second": 320.0,
        "seconds_to_target": 1.0,
    }


def test_costs_of_several_replicas_are_means():
    faster = record(train_seconds=1.0, train_examples_per_second=640.0, eval_curve=curve((4, 0.4)))
    costs = variant_costs([record(), faster], 12_345, (), 0.45)
    assert costs["train_seconds"] == 1.5
    assert costs["train_examples_per_second"] == 480.0
    assert costs["seconds_to_target"] == 2.5


def test_cost_that_one_replica_does_not_know_is_left_out():
    slower = record(eval_curve=curve((4, 0.5)), embedding_training_bytes=0)
    costs = variant_costs([record(), slower], 12_345, (), 0.45)
    assert "seconds_to_target" not in costs
    assert "training_bytes" not in costs


def test_costs_without_a_target_have_no_time_to_it():
    assert "seconds_to_target" not in variant_costs([record()], 12_345, (), None)


def test_costs_have_the_latency_of_each_batch_size():
    def result(batch_size: int, p50_ms: float) -> LatencyResult:
        return LatencyResult(
            batch_size=batch_size,
            num_calls=20,
            p50_ms=p50_ms,
            p99_ms=2 * p50_ms,
            examples_per_second=1000 * batch_size / p50_ms,
            quantiles_ms=(p50_ms,) * 41,
        )

    costs = variant_costs([record()], 12_345, (result(1, 0.5), result(2048, 16.0)), None)
    assert {name: cost for name, cost in costs.items() if name not in COSTS} == {
        "latency_p50_batch1": 0.5,
        "latency_p99_batch1": 1.0,
        "examples_per_second_batch1": 2000.0,
        "latency_p50_batch2048": 16.0,
        "latency_p99_batch2048": 32.0,
        "examples_per_second_batch2048": 128_000.0,
    }


def test_costs_are_measures():
    latency = LatencyResult(
        batch_size=128,
        num_calls=20,
        p50_ms=1,
        p99_ms=1,
        examples_per_second=1,
        quantiles_ms=(1,) * 41,
    )
    costs = variant_costs([record()], 12_345, (latency,), 0.45)
    assert all(find_measure(name) for name in costs)
    assert set(COSTS) <= set(costs)

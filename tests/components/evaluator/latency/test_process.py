import pytest

from components.evaluator.config import LatencyConfig
from components.evaluator.latency.process import Task, time_models
from tests.components.evaluator.tiny import raw_rows, save_model

ROWS = raw_rows([0, 1, 0], [2, None, -4], [b"aa", b"aa", None])


@pytest.fixture(scope="module")
def task(tmp_path_factory) -> Task:
    folder = tmp_path_factory.mktemp("models")
    paths = {name: str(save_model(folder / name, 0.5)) for name in ("full", "hashing")}
    config = LatencyConfig(batch_sizes=(4, 1), seconds=0.01, max_calls=30)
    return Task(model_paths=paths, config=config)


def test_each_variant_is_timed_at_each_batch_size(task):
    timed = time_models(task, ROWS, lambda text: None)
    assert set(timed) == {"full", "hashing"}
    for by_size in timed.values():
        assert [20 <= len(nanoseconds) <= 30 for nanoseconds in by_size] == [True, True]
        # The tiny model takes a fraction of a millisecond.
        assert all(10_000 < each < 10**9 for nanoseconds in by_size for each in nanoseconds)


def test_what_goes_on_is_said_in_order(task):
    said: list[str] = []
    time_models(task, ROWS, said.append)
    of_size = [
        [f"batch {size}: warming {name} up" for name in ("full", "hashing")]
        + [f"batch {size}: round {number} of 10" for number in range(1, 11)]
        for size in (4, 1)
    ]
    loading = ["loading model 1 of 2: full", "loading model 2 of 2: hashing"]
    assert said == [*loading, *of_size[0], *of_size[1]]


def test_task_travels_as_json(task):
    assert Task.model_validate_json(task.model_dump_json()) == task

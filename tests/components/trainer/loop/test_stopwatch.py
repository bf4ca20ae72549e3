import pytest

from components.trainer.loop import stopwatch
from components.trainer.loop.stopwatch import Stopwatch


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(stopwatch.time, "monotonic", clock)
    return clock


def lap(watch: Stopwatch, clock: Clock, seconds: float, num_examples: int) -> None:
    clock.now += seconds
    watch.stop(num_examples)


def test_time_before_a_start_belongs_to_nothing(clock: Clock) -> None:
    watch = Stopwatch()
    clock.now += 50
    watch.start()
    lap(watch, clock, 2, 10)
    clock.now += 7
    watch.start()
    lap(watch, clock, 3, 10)
    assert watch.seconds == 5


def test_the_first_lap_does_not_count_for_the_rate(clock: Clock) -> None:
    watch = Stopwatch()
    watch.start()
    lap(watch, clock, 90, 10)
    lap(watch, clock, 4, 100)
    lap(watch, clock, 4, 100)
    assert watch.examples_per_second() == 25
    assert watch.seconds == 98


def test_with_one_lap_the_rate_is_its_own(clock: Clock) -> None:
    watch = Stopwatch()
    assert not watch.has_lap
    assert watch.examples_per_second() == 0
    watch.start()
    lap(watch, clock, 4, 10)
    assert watch.has_lap
    assert watch.examples_per_second() == 2.5


def test_read_back_it_goes_on_and_leaves_out_another_first_lap(clock: Clock) -> None:
    watch = Stopwatch()
    watch.start()
    lap(watch, clock, 90, 10)
    lap(watch, clock, 4, 100)
    again = Stopwatch.model_validate_json(watch.model_dump_json())
    assert not again.has_lap
    assert again.examples_per_second() == 25
    again.start()
    lap(again, clock, 60, 10)
    lap(again, clock, 6, 200)
    assert again.seconds == 160
    assert again.examples_per_second() == 30

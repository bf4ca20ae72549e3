import gc
import math

import numpy as np
import pytest
import tensorflow as tf

from components.evaluator.latency import calls as module
from components.evaluator.latency.calls import flat_call, make_batches, num_rows_used, time_calls
from tests.components.evaluator.tiny import raw_rows, save_model


def numbered_rows(num_rows: int):
    """I1 is the number of the row."""
    return raw_rows([0] * num_rows, list(range(num_rows)), [b"aa"] * num_rows)


def first_features(batches, rows) -> list[list[int]]:
    place = sorted(name for name in rows.column_names if name != "label").index("I1")
    return [batch[place].numpy().tolist() for batch in batches]


def test_batches_are_the_rows_in_order():
    rows = numbered_rows(10)
    batches = make_batches(rows, 4)
    # Ten rows are taken up in three batches of four.
    assert first_features(batches, rows) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 1]]


def test_rows_come_again_where_a_batch_needs_more():
    rows = numbered_rows(3)
    assert first_features(make_batches(rows, 7), rows) == [[0, 1, 2, 0, 1, 2, 0]]


@pytest.mark.parametrize(("batch_size", "num_batches"), [(1, 64), (512, 32), (2048, 8), (9000, 8)])
def test_number_of_rows_used_gives_small_batches_more_turns(batch_size, num_batches):
    assert num_rows_used(batch_size) == num_batches * batch_size


def test_no_more_rows_are_taken_than_are_used():
    rows = numbered_rows(200)
    assert first_features(make_batches(rows, 1), rows) == [[n] for n in range(64)]


def test_flat_call_gives_every_tensor_to_its_feature(tmp_path):
    model = tf.saved_model.load(str(save_model(tmp_path / "model", 0.5)))
    rows = raw_rows([0, 1, 0], [2, None, -4], [b"aa", b"aa", None])
    [batch] = make_batches(rows, 3)
    [probabilities] = flat_call(model)(batch)
    # weight * I1, where a missing I1 is 0, plus 1 where C1 is missing.
    logits = [1.0, 0.0, -2.0 + 1.0]
    expected = [1 / (1 + math.exp(-logit)) for logit in logits]
    np.testing.assert_allclose(probabilities, expected, rtol=1e-6)


class Clock:
    """A clock that only calls move."""

    def __init__(self, monkeypatch) -> None:
        self.nanoseconds = 0
        self.log: list[tuple[str, int]] = []
        monkeypatch.setattr(module.time, "perf_counter_ns", lambda: self.nanoseconds)

    def call(self, name: str, *milliseconds: float):
        """Returns a call of a batch, an integer, whose times come round."""
        times = list(milliseconds)

        def call(batch: int) -> None:
            self.log.append((name, batch))
            self.nanoseconds += int(times[0] * 1e6)
            times.append(times.pop(0))

        return call


def nothing(_: int) -> None:
    pass


def test_calls_are_timed_one_by_one(monkeypatch):
    clock = Clock(monkeypatch)
    # The first call of each turn, of 9 ms, is not timed. A turn of 20 ms has room for two more.
    timed = time_calls({"full": clock.call("full", 9, 5, 6)}, [0], 0.2, 1000, nothing)
    assert timed == {"full": [5_000_000, 6_000_000] * 10}


def test_calls_are_as_many_as_the_seconds_allow(monkeypatch):
    clock = Clock(monkeypatch)
    # A turn takes 100 ms: one untimed call, then 99 others.
    timed = time_calls({"full": clock.call("full", 1)}, [0], 1.0, 10_000, nothing)
    assert len(timed["full"]) == 990


def test_calls_are_twenty_at_least(monkeypatch):
    clock = Clock(monkeypatch)
    timed = time_calls({"full": clock.call("full", 1000)}, [0], 0.1, 1000, nothing)
    assert len(timed["full"]) == 20


def test_calls_are_no_more_than_the_limit(monkeypatch):
    clock = Clock(monkeypatch)
    timed = time_calls({"full": clock.call("full", 0.001)}, [0], 10.0, 57, nothing)
    assert len(timed["full"]) == 50


def test_calls_of_all_variants_take_turns(monkeypatch):
    clock = Clock(monkeypatch)
    variants = {name: clock.call(name, 10) for name in "abcd"}
    time_calls(variants, [0], 0.1, 1000, nothing)
    names = [name for name, _ in clock.log]
    rounds = [names[start : start + 12] for start in range(0, len(names), 12)]
    assert len(rounds) == 10
    for turns in rounds:
        # Three calls each, one after the other: the first is not timed.
        assert turns == [name for name in turns[::3] for _ in range(3)]
        assert sorted(turns[::3]) == ["a", "b", "c", "d"]
    assert len({tuple(turns) for turns in rounds}) > 1


def test_order_of_the_turns_is_the_same_in_every_run(monkeypatch):
    orders = []
    for names in ("abcd", "dcba"):
        clock = Clock(monkeypatch)
        time_calls({name: clock.call(name, 10) for name in names}, [0], 0.1, 1000, nothing)
        orders.append([name for name, _ in clock.log])
    assert orders[0] == orders[1]


def test_all_variants_are_timed_on_the_same_batches(monkeypatch):
    clock = Clock(monkeypatch)
    time_calls({name: clock.call(name, 10) for name in "ab"}, [0, 1, 2], 0.1, 1000, nothing)
    of_a, of_b = ([batch for name, batch in clock.log if name == own] for own in "ab")
    assert of_a == of_b
    # Two timed calls a turn, before them one that starts with the same batch.
    assert of_a[:9] == [0, 0, 1, 2, 2, 0, 1, 1, 2]


def test_garbage_is_collected_before_and_not_while_timing():
    seen = []
    time_calls({"full": lambda _: seen.append(gc.isenabled())}, [0], 0.001, 20, nothing)
    assert set(seen) == {False}
    assert gc.isenabled()


def test_garbage_is_collected_again_after_an_error():
    def fail(_: int) -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        time_calls({"full": fail}, [0], 0.001, 20, nothing)
    assert gc.isenabled()


def test_rounds_are_reported(monkeypatch):
    said: list[int] = []
    time_calls({"full": Clock(monkeypatch).call("full", 1)}, [0], 0.01, 20, said.append)
    assert said == list(range(1, 11))

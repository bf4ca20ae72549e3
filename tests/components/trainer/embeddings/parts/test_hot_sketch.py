"""The sketch against a slow one that goes through buckets and slots one by one."""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf

from components.trainer.embeddings.parts.hot_sketch import NO_ID, NO_ROW, NUM_SLOTS, HotSketch
from components.trainer.embeddings.parts.universal_hash import UniversalHash


def make_sketch(bucket_of: UniversalHash) -> HotSketch:
    shape = (bucket_of.num_buckets, NUM_SLOTS)
    starts = (
        np.full(shape, NO_ID, np.int32),
        np.zeros(shape, np.float32),
        np.zeros(shape, np.float32),
        np.full(shape, NO_ROW, np.int32),
    )
    return HotSketch(bucket_of, *(tf.Variable(start) for start in starts))


# Id -> itself modulo 2.
BY_PARITY = UniversalHash(multiplier=1, offset=0, num_buckets=2)


@dataclass
class Slot:
    id: int = NO_ID
    bound: float = 0.0
    sum: float = 0.0
    row: int = NO_ROW


@dataclass
class SlowSketch:
    bucket_of: UniversalHash
    buckets: dict[int, list[Slot]] = field(
        default_factory=lambda: defaultdict(lambda: [Slot() for _ in range(NUM_SLOTS)])
    )

    def find(self, wanted: int) -> Slot | None:
        bucket = int(self.bucket_of(tf.constant(wanted)))
        return next((slot for slot in self.buckets[bucket] if slot.id == wanted), None)

    def add(self, ids: list[int], values: list[float]) -> None:
        totals: dict[int, float] = defaultdict(float)
        for each, value in zip(ids, values, strict=True):
            totals[each] += value
        newcomers: dict[int, list[int]] = defaultdict(list)
        for each, value in totals.items():
            slot = self.find(each)
            if slot:
                slot.bound += value
                slot.sum += value
            elif value > 0:
                newcomers[int(self.bucket_of(tf.constant(each)))].append(each)
        for bucket, new in newcomers.items():
            winner = min(new, key=lambda each: (-totals[each], each))
            slots = [slot for slot in self.buckets[bucket] if slot.row == NO_ROW]
            if slots:
                slot = min(slots, key=lambda slot: slot.bound)
                slot.id, slot.sum = winner, totals[winner]
                slot.bound += totals[winner]


def assert_equal(sketch: HotSketch, slow: SlowSketch) -> None:
    for bucket in range(sketch.bucket_of.num_buckets):
        slots = slow.buckets[bucket]
        np.testing.assert_array_equal(sketch.ids[bucket], [slot.id for slot in slots])
        np.testing.assert_array_equal(sketch.rows[bucket], [slot.row for slot in slots])
        np.testing.assert_allclose(sketch.bounds[bucket], [s.bound for s in slots], rtol=1e-5)
        np.testing.assert_allclose(sketch.sums[bucket], [s.sum for s in slots], rtol=1e-5)


def test_a_full_bucket_gives_its_lowest_slot_in_a_case_worked_out_by_hand() -> None:
    sketch = make_sketch(BY_PARITY)
    for even_id, value in ((0, 5.0), (2, 3.0), (4, 2.0), (6, 4.0)):
        sketch.add(tf.constant([even_id]), tf.constant([value]))
    # 8 comes where 4 was and goes on from its 2: between 1.5, which it brought, and 3.5.
    sketch.add(tf.constant([8]), tf.constant([1.5]))
    np.testing.assert_array_equal(sketch.ids, [[0, 2, 8, 6], [NO_ID] * 4])
    np.testing.assert_array_equal(sketch.bounds[0], [5, 3, 3.5, 4])
    np.testing.assert_array_equal(sketch.sums[0], [5, 3, 1.5, 4])


def test_values_of_a_repeated_id_are_summed() -> None:
    sketch = make_sketch(BY_PARITY)
    sketch.add(tf.constant([3, 2, 3]), tf.constant([1.0, 0.5, 2.0]))
    np.testing.assert_array_equal(sketch.sums, [[0.5, 0, 0, 0], [3.0, 0, 0, 0]])


def test_of_new_ids_in_a_bucket_the_largest_value_comes_in_and_of_equal_ones_the_smallest() -> None:
    sketch = make_sketch(BY_PARITY)
    sketch.add(tf.constant([4, 2, 7, 5, 9]), tf.constant([1.0, 2.0, 3.0, 3.0, 1.0]))
    np.testing.assert_array_equal(sketch.ids[:, 0], [2, 5])


def test_an_id_of_value_zero_takes_no_slot() -> None:
    sketch = make_sketch(BY_PARITY)
    sketch.add(tf.constant([4, 1]), tf.constant([0.0, 1.0]))
    np.testing.assert_array_equal(sketch.ids[:, 0], [NO_ID, 1])


def test_slots_of_owners_are_never_taken() -> None:
    sketch = make_sketch(BY_PARITY)
    for even_id in (0, 2, 4, 6):
        sketch.add(tf.constant([even_id]), tf.constant([1.0]))
    sketch.reassign_rows(4)
    sketch.add(tf.constant([8]), tf.constant([100.0]))
    np.testing.assert_array_equal(sketch.ids[0], [0, 2, 4, 6])


def test_many_batches_match_the_slow_twin() -> None:
    rng = np.random.default_rng(0)
    bucket_of = UniversalHash.draw(7, rng)
    sketch, slow = make_sketch(bucket_of), SlowSketch(bucket_of)
    add = tf.function(sketch.add, autograph=False)
    for step in range(30):
        ids = 2**24 + rng.zipf(1.3, 12) % 60
        values = rng.random(12).astype(np.float32)
        add(tf.constant(ids), tf.constant(values))
        slow.add(ids.tolist(), values.tolist())
        if step == 15:
            for each, row in zip(*sketch.reassign_rows(6), strict=True):
                slot = slow.find(int(each))
                assert slot is not None
                slot.row = int(row)
    assert_equal(sketch, slow)


def test_rows_go_to_the_largest_sums_and_owners_keep_theirs() -> None:
    sketch = make_sketch(BY_PARITY)
    for each, value in ((2, 1.0), (3, 5.0), (5, 4.0)):
        sketch.add(tf.constant([each]), tf.constant([value]))
    ids, rows = sketch.reassign_rows(2)
    np.testing.assert_array_equal([ids, rows], [[3, 5], [0, 1]])
    # 2 overtakes both, so 5 loses its row to it; 3 stays where it is.
    sketch.add(tf.constant([2]), tf.constant([9.0]))
    ids, rows = sketch.reassign_rows(2)
    np.testing.assert_array_equal([ids, rows], [[2], [1]])
    np.testing.assert_array_equal(sketch.find_rows(tf.constant([2, 3, 5])), [1, 0, NO_ROW])


def test_rows_are_left_free_where_there_are_too_few_ids() -> None:
    sketch = make_sketch(BY_PARITY)
    sketch.add(tf.constant([3]), tf.constant([1.0]))
    ids, rows = sketch.reassign_rows(2)
    np.testing.assert_array_equal([ids, rows], [[3], [0]])


def test_found_rows_are_those_of_the_owners_for_both_id_types() -> None:
    sketch = make_sketch(BY_PARITY)
    large = 2**31 - 2
    sketch.add(tf.constant([large], tf.int64), tf.constant([1.0]))
    sketch.reassign_rows(1)
    for dtype in (tf.int32, tf.int64):
        found = sketch.find_rows(tf.constant([large, large - 2, 0], dtype))
        np.testing.assert_array_equal(found, [0, NO_ROW, NO_ROW])


def test_frequent_ids_of_a_skewed_stream_are_found() -> None:
    rng = np.random.default_rng(1)
    weights = np.arange(1, 5_001) ** -1.05
    sketch = make_sketch(UniversalHash.draw(100, rng))
    add = tf.function(sketch.add, autograph=False)
    for _ in range(50):
        ids = rng.choice(5_000, 1_000, p=weights / weights.sum())
        add(tf.constant(ids), tf.ones(1_000))
    ids, _ = sketch.reassign_rows(100)
    # Chance alone would find 2 of the 100.
    assert (ids < 100).sum() >= 80


def test_decay_multiplies_all_sums() -> None:
    sketch = make_sketch(BY_PARITY)
    sketch.add(tf.constant([3, 2]), tf.constant([1.0, 4.0]))
    sketch.decay(0.5)
    for variable in (sketch.sums, sketch.bounds):
        np.testing.assert_array_equal(variable[:, 0], [2.0, 0.5])

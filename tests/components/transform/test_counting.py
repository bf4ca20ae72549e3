import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
from apache_beam.testing.util import assert_that

from components.transform.counting import AddCounts, CountingDoFn, add_tables, to_table


class _CountNumbers(CountingDoFn):
    def process(self, number):
        self._counts[number] += 1
        return ()


def _table(positions, counts):
    return pa.table(
        {"position": pa.array(positions, pa.int64()), "count": pa.array(counts, pa.int64())}
    )


def test_a_table_holds_the_positions_that_occur():
    assert to_table(np.array([0, 3, 0, 0, 7])).equals(_table([1, 4], [3, 7]))


def test_equal_positions_add_up_in_order():
    parts = [_table([5, 9], [1, 2]), _table([], []), _table([2, 5], [4, 2**40])]
    assert add_tables(parts).equals(_table([2, 5, 9], [4, 2**40 + 1, 2]))


def test_nothing_adds_up_to_nothing():
    assert add_tables([]).equals(_table([], []))


@pytest.mark.parametrize("numbers", [[], [3], [1, 1, 0, 4, 1] * 20])
def test_bundles_add_up(numbers):
    def check(tables):
        expected = np.bincount(numbers, minlength=5) if numbers else np.zeros(5, int)
        assert [table.to_pydict() for table in tables] == [to_table(expected).to_pydict()]

    with beam.Pipeline() as pipeline:
        sums = (
            pipeline
            | beam.Create(numbers)
            | beam.Reshuffle()
            | beam.ParDo(_CountNumbers(5))
            | beam.CombineGlobally(AddCounts())
        )
        assert_that(sums, check)


def test_a_retried_bundle_forgets_its_first_try():
    fn = _CountNumbers(3)
    fn.start_bundle()
    fn.process(2)
    fn.start_bundle()
    fn.process(1)
    (counts,) = fn.finish_bundle()
    assert counts.value.equals(_table([1], [1]))

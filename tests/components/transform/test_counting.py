import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from components.parquet import read_table
from components.transform.counting import CountingDoFn, count_with, to_table


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


@pytest.mark.parametrize("numbers", [[], [3], [1, 1, 0, 4, 1] * 20])
@pytest.mark.parametrize("num_workers", [1, 2])
def test_bundles_add_up_and_leave_no_file(tmp_path, numbers, num_workers):
    def make_pipeline():
        options = {"direct_running_mode": "multi_threading", "direct_num_workers": num_workers}
        return beam.Pipeline(options=PipelineOptions.from_dictionary(options))

    counts = count_with(make_pipeline, numbers, _CountNumbers(5, str(tmp_path)))
    np.testing.assert_array_equal(counts, [numbers.count(value) for value in range(5)])
    assert not list(tmp_path.iterdir())


def test_a_retried_bundle_forgets_its_first_try():
    fn = _CountNumbers(3, "ram://retried")
    fn.start_bundle()
    fn.process(2)
    fn.start_bundle()
    fn.process(1)
    (counts,) = fn.finish_bundle()
    assert read_table(counts.value).equals(_table([1], [1]))

"""The limits that hold where nothing is said, on logs that were divided by chance."""

import numpy as np
import pyarrow as pa
import pyarrow.csv
from tensorflow_data_validation.statistics.stats_impl import generate_statistics_in_memory

from components.example_validator.config import GuardConfig
from components.example_validator.validate import validate
from components.schema_gen.schema import make_schema
from components.statistics_gen.statistics import statistics_options, to_list_batch
from components.synthetic.click_log import SyntheticConfig, write_click_log
from schemas.click_log import raw_arrow_schema
from schemas.criteo import CLICK_LOG


def _read(path):
    options = {
        "read_options": pa.csv.ReadOptions(column_names=CLICK_LOG.text_columns),
        "parse_options": pa.csv.ParseOptions(delimiter="\t"),
        "convert_options": pa.csv.ConvertOptions(
            column_types=raw_arrow_schema(CLICK_LOG), null_values=[""], strings_can_be_null=True
        ),
    }
    return pa.csv.open_csv(str(path), **options).read_all()


def _verdict(rows, in_eval):
    splits = {"train": rows.filter(pa.array(~in_eval)), "eval": rows.filter(pa.array(in_eval))}
    statistics = {
        split: generate_statistics_in_memory(to_list_batch(table), statistics_options())
        for split, table in splits.items()
    }
    return validate(statistics, make_schema(CLICK_LOG), GuardConfig())


def test_few_generated_rows_divided_by_chance_raise_no_alarm(tmp_path):
    write_click_log(SyntheticConfig(rows=500, seed=1), tmp_path / "log.tsv")
    rows = _read(tmp_path / "log.tsv")
    verdict = _verdict(rows, np.random.default_rng(0).random(rows.num_rows) < 0.2)
    assert rows.num_rows == 500
    assert (verdict.errors, verdict.warnings) == ([], [])


def test_real_rows_divided_by_chance_raise_no_alarm(real_rows):
    rows = _read(real_rows)
    verdict = _verdict(rows, np.random.default_rng(0).random(rows.num_rows) < 0.2)
    assert (verdict.errors, verdict.warnings) == ([], [])


def test_real_rows_divided_by_time_raise_no_alarm(real_rows):
    rows = _read(real_rows)
    verdict = _verdict(rows, np.arange(rows.num_rows) >= 0.8 * rows.num_rows)
    assert (verdict.errors, verdict.warnings) == ([], [])

import apache_beam as beam
import pyarrow as pa
import pytest
from tfx.types import artifact_utils, standard_artifacts

from components.errors import InputError
from components.example_validator.executor import Executor
from components.parquet import write_table
from components.schema_importer.executor import Executor as SchemaImporter
from components.statistics_gen.statistics import write_statistics
from schemas.criteo import CATEGORICAL_FEATURES, DENSE_FEATURES, raw_arrow_schema


def _artifact(artifact_type, folder):
    folder.mkdir()
    artifact = artifact_type()
    artifact.uri = str(folder)
    return artifact


def _validate(tmp_path, labels, empty_column=None):
    """Runs the executor on the statistics of two rows with these labels."""
    columns = {"label": labels}
    columns |= {name: [None, 7] for name in DENSE_FEATURES}
    columns |= {name: [b"ab", None] for name in CATEGORICAL_FEATURES}
    if empty_column:
        columns[empty_column] = [None, None]
    write_table(pa.table(columns, schema=raw_arrow_schema()), str(tmp_path / "rows.parquet"))
    schema = _artifact(standard_artifacts.Schema, tmp_path / "schema")
    SchemaImporter().Do({}, {"schema": [schema]}, {})
    statistics = _artifact(standard_artifacts.ExampleStatistics, tmp_path / "statistics")
    statistics.split_names = artifact_utils.encode_split_names(["train"])
    (tmp_path / "statistics/Split-train").mkdir()
    with beam.Pipeline() as pipeline:
        write_statistics(
            pipeline,
            {"train": [str(tmp_path / "rows.parquet")]},
            {"train": str(tmp_path / "statistics/Split-train")},
        )
    anomalies = _artifact(standard_artifacts.ExampleAnomalies, tmp_path / "anomalies")
    Executor().Do({"statistics": [statistics], "schema": [schema]}, {"anomalies": [anomalies]}, {})


def test_rows_that_fit_the_schema_pass(tmp_path):
    _validate(tmp_path, [0, 1])
    assert (tmp_path / "anomalies/Split-train/SchemaDiff.pb").exists()


def test_label_out_of_range_stops_the_run(tmp_path):
    with pytest.raises(InputError, match=r"split train, feature label: .*2") as error:
        _validate(tmp_path, [0, 2])
    assert "schema.pbtxt" in str(error.value)


def test_missing_label_stops_the_run(tmp_path):
    with pytest.raises(InputError, match=r"split train, feature label: .*fewer examples"):
        _validate(tmp_path, [1, None])


@pytest.mark.parametrize("column", ["I1", "C26"])
def test_column_with_nothing_in_it_stops_the_run(tmp_path, column):
    with pytest.raises(InputError, match=f"split train, feature {column}: "):
        _validate(tmp_path, [0, 1], empty_column=column)

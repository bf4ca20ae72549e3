import json
import logging

import pytest
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.types import artifact_utils, channel_utils, standard_artifacts

from components.errors import InputError
from components.example_validator.component import ClickLogExampleValidator
from components.example_validator.config import GuardConfig
from components.example_validator.executor import Executor
from components.files import write_bytes, write_text
from components.progress import PROGRESS_LOGGER
from components.schema_gen.schema import make_schema
from components.statistics_gen.statistics import STATISTICS_FILE
from tests.components.example_validator.splits import CLICK_LOG


def _artifact(artifact_type, folder):
    folder.mkdir()
    artifact = artifact_type()
    artifact.uri = str(folder)
    return artifact


def _run(tmp_path, statistics, evaluation, **config):
    """Runs the executor with the properties that its component has; returns the anomalies."""
    schema = _artifact(standard_artifacts.Schema, tmp_path / "schema")
    write_text(f"{schema.uri}/schema.pbtxt", str(make_schema(CLICK_LOG)))
    source = _artifact(standard_artifacts.ExampleStatistics, tmp_path / "statistics")
    source.split_names = artifact_utils.encode_split_names(["train", "eval"])
    source.span = 3
    for split, name in (("train", "train"), ("eval", evaluation)):
        (tmp_path / f"statistics/Split-{split}").mkdir()
        path = tmp_path / f"statistics/Split-{split}" / STATISTICS_FILE
        write_bytes(str(path), statistics[name].SerializeToString())
    step = ClickLogExampleValidator(
        channel_utils.as_channel([source]),
        channel_utils.as_channel([schema]),
        GuardConfig.model_validate(config),
    )
    anomalies = _artifact(standard_artifacts.ExampleAnomalies, tmp_path / "anomalies")
    inputs = {"statistics": [source], "schema": [schema]}
    Executor().Do(inputs, {"anomalies": [anomalies]}, step.exec_properties)
    return anomalies


def _written(tmp_path, split):
    content = (tmp_path / f"anomalies/Split-{split}/SchemaDiff.pb").read_bytes()
    return anomalies_pb2.Anomalies.FromString(content)


def _blessed(artifact):
    return artifact.get_json_value_custom_property("blessed")


def test_rows_that_fit_give_clean_and_blessed_splits(tmp_path, statistics):
    artifact = _run(tmp_path, statistics, "eval")
    assert json.loads(artifact.split_names) == ["train", "eval"]
    assert artifact.span == 3
    assert _blessed(artifact) == {"train": 1, "eval": 1}
    assert not _written(tmp_path, "train").anomaly_info
    assert not _written(tmp_path, "eval").anomaly_info


def test_anomaly_fails_the_step_after_it_was_written(tmp_path, statistics):
    with pytest.raises(InputError, match=r"split eval, column label, .*2, allowed: from 0 to 1"):
        _run(tmp_path, statistics, "bad_label")
    assert list(_written(tmp_path, "eval").anomaly_info) == ["label"]


def test_drift_warns_in_the_log_in_the_progress_and_in_the_artifact(tmp_path, statistics, caplog):
    caplog.set_level(logging.INFO, PROGRESS_LOGGER)
    artifact = _run(tmp_path, statistics, "new_shares")
    start = "split eval, column site, rule max_categorical_drift: "
    [warning] = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert warning.getMessage().startswith(start)
    [progress] = [r for r in caplog.records if r.name == PROGRESS_LOGGER]
    assert progress.getMessage().startswith(f"warning: {start}")
    assert _blessed(artifact) == {"train": 1, "eval": 0}
    info = _written(tmp_path, "eval").anomaly_info["site"]
    assert info.severity == anomalies_pb2.AnomalyInfo.WARNING


def test_progress_tells_how_many_more_warnings_there_are(tmp_path, statistics, caplog):
    caplog.set_level(logging.INFO, PROGRESS_LOGGER)
    _run(tmp_path, statistics, "empty", on_anomaly="warn")
    [progress] = [r for r in caplog.records if r.name == PROGRESS_LOGGER]
    num_warnings = len([r for r in caplog.records if r.levelno == logging.WARNING])
    assert progress.getMessage().endswith(f" (and {num_warnings - 1} more, see the log)")


def test_drift_fails_the_step_if_told_so(tmp_path, statistics):
    with pytest.raises(InputError, match="column site, rule max_categorical_drift"):
        _run(tmp_path, statistics, "new_shares", on_drift="fail")

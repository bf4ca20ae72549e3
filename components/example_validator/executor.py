"""Unwraps the artifacts of the ExampleValidator step."""

import logging
import os
from typing import Any

import tensorflow as tf
from tfx import types
from tfx.components.example_validator.executor import (
    ARTIFACT_PROPERTY_BLESSED_KEY,
    BLESSED_VALUE,
    DEFAULT_FILE_NAME,
    NOT_BLESSED_VALUE,
)
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils

from components.errors import InputError
from components.example_validator.config import GuardConfig
from components.example_validator.validate import Verdict, validate
from components.files import write_bytes
from components.progress import report


class Executor(base_executor.BaseExecutor):
    """Writes the anomalies of each split as TFX does, then warns or raises `InputError`."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        statistics = artifact_utils.get_single_instance(input_dict["statistics"])
        splits = artifact_utils.decode_split_names(statistics.split_names)
        schema_uri = artifact_utils.get_single_uri(input_dict["schema"])
        verdict = validate(
            {
                split: stats_artifact_utils.load_statistics(statistics, split).proto()
                for split in splits
            },
            io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(schema_uri)),
            GuardConfig.from_json(exec_properties["config"]),
        )
        artifact = artifact_utils.get_single_instance(output_dict["anomalies"])
        artifact.split_names = statistics.split_names
        artifact.span = statistics.span
        _write(artifact, verdict)
        for line in verdict.warnings:
            logging.warning(line)
        if verdict.errors:
            message = "\n".join(verdict.errors)
            raise InputError(f"the rows do not keep to the schema and the guards:\n{message}")
        if verdict.warnings:
            number = len(verdict.warnings)
            others = f" (and {number - 1} more, see the log)" if number > 1 else ""
            report(f"warning: {verdict.warnings[0]}{others}")


def _write(artifact: types.Artifact, verdict: Verdict) -> None:
    """Writes one file a split; a split with any anomaly is not blessed, as with TFX."""
    blessed = {}
    for split, anomalies in verdict.anomalies.items():
        folder = artifact_utils.get_split_uri([artifact], split)
        tf.io.gfile.makedirs(folder)
        write_bytes(os.path.join(folder, DEFAULT_FILE_NAME), anomalies.SerializeToString())
        is_clean = not anomalies.anomaly_info and not anomalies.HasField("dataset_anomaly_info")
        blessed[split] = BLESSED_VALUE if is_clean else NOT_BLESSED_VALUE
    artifact.set_json_value_custom_property(ARTIFACT_PROPERTY_BLESSED_KEY, blessed)

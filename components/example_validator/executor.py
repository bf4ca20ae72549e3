"""TFX's ExampleValidator, made to fail on an anomaly."""

import os
from typing import Any

import tensorflow as tf
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import types
from tfx.components.example_validator import executor as tfx_executor
from tfx.types import artifact_utils

from components.errors import InputError
from components.example_validator.anomalies import describe


class Executor(tfx_executor.Executor):
    """Writes the anomalies as TFX does, then raises `InputError` if there is one."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> Any:
        result = super().Do(input_dict, output_dict, exec_properties)
        artifact = artifact_utils.get_single_instance(output_dict["anomalies"])
        found = {}
        for split in artifact_utils.decode_split_names(artifact.split_names):
            path = os.path.join(
                artifact_utils.get_split_uri([artifact], split), tfx_executor.DEFAULT_FILE_NAME
            )
            with tf.io.gfile.GFile(path, "rb") as file:
                found[split] = anomalies_pb2.Anomalies.FromString(file.read())
        message = describe(found)
        if message:
            raise InputError(f"the rows do not fit schemas/schema.pbtxt:\n{message}")
        return result

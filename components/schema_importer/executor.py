"""Copies the schema file that comes with the code."""

import os
from pathlib import Path
from typing import Any

import tensorflow as tf
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

import schemas

SCHEMA_FILE = "schema.pbtxt"


class Executor(base_executor.BaseExecutor):
    """Writes `schemas/schema.pbtxt` into the artifact, wherever the step runs."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        text = Path(schemas.__path__[0], SCHEMA_FILE).read_text()
        uri = artifact_utils.get_single_uri(output_dict["schema"])
        with tf.io.gfile.GFile(os.path.join(uri, SCHEMA_FILE), "w") as file:
            file.write(text)

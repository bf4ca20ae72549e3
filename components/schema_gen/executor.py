"""Unwraps the artifact of the SchemaGen step."""

import os
from typing import Any

from google.protobuf import text_format
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.files import write_text
from components.schema_gen.schema import make_schema
from schemas.click_log import ClickLog

# TFX's tools look for a file of this name.
SCHEMA_FILE = "schema.pbtxt"


class Executor(base_executor.BaseExecutor):
    """Writes the schema of the raw rows."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        schema = make_schema(ClickLog.from_json(exec_properties["click_log"]))
        uri = artifact_utils.get_single_uri(output_dict["schema"])
        write_text(os.path.join(uri, SCHEMA_FILE), text_format.MessageToString(schema))

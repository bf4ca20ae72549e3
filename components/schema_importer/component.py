"""The SchemaImporter step."""

from typing import ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.code_version import code_version
from components.schema_importer.executor import Executor


class SchemaImporterSpec(ComponentSpec):
    """Outputs and parameters of `SchemaImporter`."""

    PARAMETERS = {"code_version": ExecutionParameter(type=str)}  # noqa: RUF012
    INPUTS: ClassVar[dict[str, ChannelParameter]] = {}
    OUTPUTS = {  # noqa: RUF012
        "schema": ChannelParameter(type=standard_artifacts.Schema),
    }


class SchemaImporter(base_component.BaseComponent):
    """Brings `schemas/schema.pbtxt` into the pipeline.

    TFX's ImportSchemaGen caches by the file's path, so an edited schema would go unnoticed. Here
    its text is part of the code version, and no path of this machine enters the pipeline.

    Output: `schema`.
    """

    SPEC_CLASS = SchemaImporterSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self) -> None:
        """Makes the step."""
        super().__init__(
            spec=SchemaImporterSpec(
                code_version=code_version(("components/schema_importer/*.py", "schemas/*.pbtxt")),
                schema=channel.Channel(type=standard_artifacts.Schema),
            )
        )

"""The SchemaGen step."""

from typing import ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.code_version import code_version
from components.schema_gen.executor import Executor
from schemas.click_log import ClickLog


class ClickLogSchemaGenSpec(ComponentSpec):
    """Outputs and parameters of `ClickLogSchemaGen`."""

    PARAMETERS = {  # noqa: RUF012
        "click_log": ExecutionParameter(type=str),
        "code_version": ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, ChannelParameter]] = {}
    OUTPUTS = {  # noqa: RUF012
        "schema": ChannelParameter(type=standard_artifacts.Schema),
    }


class ClickLogSchemaGen(base_component.BaseComponent):
    """Makes the schema of the raw rows from the layout of the click log.

    TFX's SchemaGen infers one from the data, which would fit whatever came in.

    Output: `schema`, as TFX's SchemaGen writes it.
    """

    SPEC_CLASS = ClickLogSchemaGenSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, click_log: ClickLog) -> None:
        """Makes the step.

        Args:
          click_log: the layout of the log.
        """
        super().__init__(
            spec=ClickLogSchemaGenSpec(
                click_log=click_log.to_json(),
                code_version=code_version(("components/schema_gen/*.py",)),
                schema=channel.Channel(type=standard_artifacts.Schema),
            )
        )

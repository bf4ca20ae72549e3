"""The ExampleValidator step."""

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.code_version import code_version
from components.example_validator.config import GuardConfig
from components.example_validator.executor import Executor


class ClickLogExampleValidatorSpec(ComponentSpec):
    """Inputs, outputs and parameters of `ClickLogExampleValidator`."""

    PARAMETERS = {  # noqa: RUF012
        "config": ExecutionParameter(type=str),
        "code_version": ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "schema": ChannelParameter(type=standard_artifacts.Schema),
    }
    OUTPUTS = {  # noqa: RUF012
        "anomalies": ChannelParameter(type=standard_artifacts.ExampleAnomalies),
    }


class ClickLogExampleValidator(base_component.BaseComponent):
    """Compares statistics with the schema, and the eval split with the train split.

    What the configuration calls a failure fails the step; the rest is a warning.

    Output: `anomalies`, as TFX's ExampleValidator writes them.
    """

    SPEC_CLASS = ClickLogExampleValidatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self, statistics: channel.BaseChannel, schema: channel.BaseChannel, config: GuardConfig
    ) -> None:
        """Makes the step.

        Args:
          statistics: of the raw examples.
          schema: what they must look like.
          config: the guards.
        """
        super().__init__(
            spec=ClickLogExampleValidatorSpec(
                config=config.to_json(),
                code_version=code_version(("components/example_validator/*.py",)),
                statistics=statistics,
                schema=schema,
                anomalies=channel.Channel(type=standard_artifacts.ExampleAnomalies),
            )
        )

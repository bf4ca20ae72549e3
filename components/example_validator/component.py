"""The ExampleValidator step."""

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import channel, standard_artifacts, standard_component_specs
from tfx.types.component_spec import ExecutionParameter

from components.code_version import code_version
from components.example_validator.executor import Executor


class StrictExampleValidatorSpec(standard_component_specs.ExampleValidatorSpec):
    """TFX's spec and the version of our code."""

    PARAMETERS = {  # noqa: RUF012
        **standard_component_specs.ExampleValidatorSpec.PARAMETERS,
        "code_version": ExecutionParameter(type=str),
    }


class StrictExampleValidator(base_component.BaseComponent):
    """Compares statistics with the schema; an anomaly fails the step.

    Output: `anomalies`, as TFX's ExampleValidator writes them.
    """

    SPEC_CLASS = StrictExampleValidatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, statistics: channel.BaseChannel, schema: channel.BaseChannel) -> None:
        """Makes the step.

        Args:
          statistics: of the raw examples.
          schema: what they must look like.
        """
        super().__init__(
            spec=StrictExampleValidatorSpec(
                exclude_splits="[]",
                code_version=code_version(("components/example_validator/*.py",)),
                statistics=statistics,
                schema=schema,
                anomalies=channel.Channel(type=standard_artifacts.ExampleAnomalies),
            )
        )

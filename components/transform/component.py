"""The Transform step."""

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.code_version import code_version
from components.transform.config import TransformConfig
from components.transform.executor import Executor
from schemas.click_log import ClickLog


class TransformSpec(ComponentSpec):
    """Inputs, outputs and parameters of `ClickLogTransform`."""

    PARAMETERS = {  # noqa: RUF012
        "click_log": ExecutionParameter(type=str),
        "config": ExecutionParameter(type=str),
        "code_version": ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "schema": ChannelParameter(type=standard_artifacts.Schema),
    }
    OUTPUTS = {  # noqa: RUF012
        "transform_graph": ChannelParameter(type=standard_artifacts.TransformGraph),
        "transformed_examples": ChannelParameter(type=standard_artifacts.Examples),
    }


class ClickLogTransform(base_beam_component.BaseBeamComponent):
    """Raw examples to dense vectors and categorical ids; its transform graph is TFT's.

    Outputs: `transform_graph` (what `tft.TFTransformOutput` reads) and `transformed_examples`
    (Parquet, see `schemas.transformed`).
    """

    SPEC_CLASS = TransformSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        examples: channel.BaseChannel,
        schema: channel.BaseChannel,
        click_log: ClickLog,
        config: TransformConfig,
    ) -> None:
        """Makes the step.

        Args:
          examples: raw examples as Parquet.
          schema: of the raw examples.
          click_log: the layout of the raw examples.
          config: how features are treated.
        """
        super().__init__(
            spec=TransformSpec(
                click_log=click_log.to_json(),
                config=config.to_json(),
                code_version=code_version(("components/transform/*.py",)),
                examples=examples,
                schema=schema,
                transform_graph=channel.Channel(type=standard_artifacts.TransformGraph),
                transformed_examples=channel.Channel(type=standard_artifacts.Examples),
            )
        )

"""The StatisticsGen step."""

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.code_version import code_version
from components.statistics_gen.executor import Executor


class StatisticsGenSpec(ComponentSpec):
    """Inputs, outputs and parameters of `ClickLogStatisticsGen`."""

    PARAMETERS = {"code_version": ExecutionParameter(type=str)}  # noqa: RUF012
    INPUTS = {  # noqa: RUF012
        "examples": ChannelParameter(type=standard_artifacts.Examples),
    }
    OUTPUTS = {  # noqa: RUF012
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics),
    }


class ClickLogStatisticsGen(base_beam_component.BaseBeamComponent):
    """TFDV's statistics of the raw rows.

    TFX's StatisticsGen reads Parquet too, but takes list columns only; raw rows have plain
    nullable ones.

    Output: `statistics`, as TFX's StatisticsGen writes them.
    """

    SPEC_CLASS = StatisticsGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(self, examples: channel.BaseChannel) -> None:
        """Makes the step.

        Args:
          examples: raw examples as Parquet.
        """
        super().__init__(
            spec=StatisticsGenSpec(
                code_version=code_version(("components/statistics_gen/*.py",)),
                examples=examples,
                statistics=channel.Channel(type=standard_artifacts.ExampleStatistics),
            )
        )

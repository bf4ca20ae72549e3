"""The ExampleGen component: raw click logs -> examples and quarantine."""

import re
from typing import ClassVar

from tfx import types
from tfx.components.example_gen.component import FileBasedExampleGen
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.proto import example_gen_pb2
from tfx.types import component_spec, standard_artifacts
from tfx.types import standard_component_specs as specs

from components.code_version import code_version
from components.example_gen.config import NUM_SPLIT_BUCKETS, ExampleGenConfig
from components.example_gen.driver import ClickLogDriver
from components.example_gen.executor import Executor
from components.example_gen.split import num_eval_buckets
from schemas.artifacts import Quarantine
from schemas.criteo import EVAL_SPLIT, TRAIN_SPLIT


class ClickLogExampleGenSpec(component_spec.ComponentSpec):
    """What TFX's driver for files needs, the settings and the version of the code."""

    PARAMETERS: ClassVar = {
        specs.INPUT_BASE_KEY: component_spec.ExecutionParameter(type=str),
        specs.INPUT_CONFIG_KEY: component_spec.ExecutionParameter(type=example_gen_pb2.Input),
        specs.OUTPUT_CONFIG_KEY: component_spec.ExecutionParameter(type=example_gen_pb2.Output),
        specs.OUTPUT_DATA_FORMAT_KEY: component_spec.ExecutionParameter(type=int),
        specs.OUTPUT_FILE_FORMAT_KEY: component_spec.ExecutionParameter(type=int),
        "config": component_spec.ExecutionParameter(type=str),
        "code_version": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, component_spec.ChannelParameter]] = {}
    OUTPUTS: ClassVar = {
        specs.EXAMPLES_KEY: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "quarantine": component_spec.ChannelParameter(type=Quarantine),
    }


class ClickLogExampleGen(FileBasedExampleGen):
    """Reads raw click logs into Parquet, split into train and eval.

    A `FileBasedExampleGen` because the compiler for Vertex AI runs the driver for that type only.

    Outputs: `examples` (Parquet, columns as in `schemas.criteo.raw_arrow_schema`) and `quarantine`
    (the rejected lines and the counts).
    """

    SPEC_CLASS = ClickLogExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
    DRIVER_CLASS = ClickLogDriver

    def __init__(self, data: str, config: ExampleGenConfig) -> None:
        """Describes the step.

        Args:
          data: pattern of the raw files, plain or gzip; `{SPAN}` and `{VERSION}` may stand in it,
            and the latest span and version are taken.
          config: the settings.
        """
        input_base, pattern = split_pattern(data)
        eval_buckets = num_eval_buckets(config)
        buckets = {TRAIN_SPLIT: NUM_SPLIT_BUCKETS - eval_buckets, EVAL_SPLIT: eval_buckets}
        splits = [
            example_gen_pb2.SplitConfig.Split(name=name, hash_buckets=count)
            for name, count in buckets.items()
        ]
        spec = ClickLogExampleGenSpec(
            input_base=input_base,
            input_config=example_gen_pb2.Input(
                splits=[example_gen_pb2.Input.Split(name="click_logs", pattern=pattern)]
            ),
            output_config=example_gen_pb2.Output(
                split_config=example_gen_pb2.SplitConfig(splits=splits)
            ),
            output_data_format=example_gen_pb2.FORMAT_PARQUET,
            output_file_format=example_gen_pb2.FILE_FORMAT_PARQUET,
            config=config.to_json(),
            code_version=code_version(["components/example_gen/*.py"]),
            examples=types.Channel(type=standard_artifacts.Examples),
            quarantine=types.Channel(type=Quarantine),
        )
        # The constructor of FileBasedExampleGen makes its own spec: go past it.
        base_beam_component.BaseBeamComponent.__init__(self, spec=spec)


def split_pattern(data: str) -> tuple[str, str]:
    """Cuts a pattern into its fixed folder and the rest, which holds every wildcard."""
    fixed = re.split(r"[*?\[{]", data, maxsplit=1)[0]
    folder, slash, _ = fixed.rpartition("/")
    return (folder + slash or "."), data[len(folder + slash) :]

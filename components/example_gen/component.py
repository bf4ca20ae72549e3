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
from components.example_gen.selection import check_settings
from components.example_gen.spans import has_spans
from components.example_gen.split import num_eval_buckets
from schemas.artifacts import Quarantine
from schemas.click_log import EVAL_SPLIT, SPLITS, TRAIN_SPLIT, ClickLog


class ClickLogExampleGenSpec(component_spec.ComponentSpec):
    """What TFX's driver for files needs, the log, the settings and the version of the code.

    `pattern` keeps the placeholders that the driver resolves in `input_config`.
    """

    PARAMETERS: ClassVar = {
        specs.INPUT_BASE_KEY: component_spec.ExecutionParameter(type=str),
        specs.INPUT_CONFIG_KEY: component_spec.ExecutionParameter(type=example_gen_pb2.Input),
        specs.OUTPUT_CONFIG_KEY: component_spec.ExecutionParameter(type=example_gen_pb2.Output),
        specs.OUTPUT_DATA_FORMAT_KEY: component_spec.ExecutionParameter(type=int),
        specs.OUTPUT_FILE_FORMAT_KEY: component_spec.ExecutionParameter(type=int),
        "pattern": component_spec.ExecutionParameter(type=str),
        "click_log": component_spec.ExecutionParameter(type=str),
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

    Outputs: `examples` (Parquet, columns as in `schemas.click_log.raw_arrow_schema`) and
    `quarantine` (the rejected lines and the counts).
    """

    SPEC_CLASS = ClickLogExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)
    DRIVER_CLASS = ClickLogDriver

    def __init__(self, data: str, click_log: ClickLog, config: ExampleGenConfig) -> None:
        """Describes the step.

        Args:
          data: pattern of the raw files; `{SPAN}` (or the date `{YYYY}`, `{MM}`, `{DD}`) and
            `{VERSION}` may stand in it, and the newest spans and versions are taken.
          click_log: the layout of the files.
          config: the settings.

        Raises:
          InputError: if the pattern is not valid or the settings do not suit the log.
        """
        input_base, pattern = split_pattern(data)
        check_settings(config, click_log, has_spans(pattern))
        spec = ClickLogExampleGenSpec(
            input_base=input_base,
            input_config=example_gen_pb2.Input(
                splits=[example_gen_pb2.Input.Split(name="click_logs", pattern=pattern)]
            ),
            output_config=example_gen_pb2.Output(
                split_config=example_gen_pb2.SplitConfig(splits=_output_splits(config))
            ),
            output_data_format=example_gen_pb2.FORMAT_PARQUET,
            output_file_format=example_gen_pb2.FILE_FORMAT_PARQUET,
            pattern=pattern,
            click_log=click_log.to_json(),
            config=config.to_json(),
            code_version=code_version(["components/example_gen/*.py"]),
            examples=types.Channel(type=standard_artifacts.Examples),
            quarantine=types.Channel(type=Quarantine),
        )
        # The constructor of FileBasedExampleGen makes its own spec: go past it.
        base_beam_component.BaseBeamComponent.__init__(self, spec=spec)


def _output_splits(config: ExampleGenConfig) -> list[example_gen_pb2.SplitConfig.Split]:
    """Returns the splits in TFX's words, which know shares by hash only."""
    if config.split.method != "hash":
        return [example_gen_pb2.SplitConfig.Split(name=name) for name in SPLITS]
    eval_buckets = num_eval_buckets(config.split)
    buckets = {TRAIN_SPLIT: NUM_SPLIT_BUCKETS - eval_buckets, EVAL_SPLIT: eval_buckets}
    return [
        example_gen_pb2.SplitConfig.Split(name=name, hash_buckets=count)
        for name, count in buckets.items()
    ]


def split_pattern(data: str) -> tuple[str, str]:
    """Cuts a pattern into its fixed folder and the rest, which holds every wildcard."""
    fixed = re.split(r"[*?\[{]", data, maxsplit=1)[0]
    folder, slash, _ = fixed.rpartition("/")
    return (folder + slash or "."), data[len(folder + slash) :]

"""ExampleGen's driver as Vertex AI calls it: a process of its own, before the cache is asked.

TFX's own takes the fingerprint of the newest span alone; this one asks our `ClickLogDriver`, whose
fingerprint holds every file of the window, as a local run does. What it finds out goes into the
output file of the task, where the service takes it into the cache key and the executor reads it.

A Kubeflow Pipelines server calls no drivers. There the step's container runs this module with the
executor's arguments too, and it becomes the executor when the driver's work is done.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.components.example_gen import driver as tfx_driver
from tfx.components.example_gen import utils
from tfx.orchestration import data_types
from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils as entrypoint
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as specs

from components.example_gen.driver import ClickLogDriver
from components.files import write_text

MODULE = "pipeline.vertex.graph.example_gen_driver"
EXECUTOR_MODULE = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"
_RESOLVED = (
    specs.INPUT_CONFIG_KEY,
    utils.SPAN_PROPERTY_NAME,
    utils.VERSION_PROPERTY_NAME,
    utils.FINGERPRINT_PROPERTY_NAME,
)


def resolve(
    executor_input: pipeline_spec_pb2.ExecutorInput,
    inputs_spec: pipeline_spec_pb2.ComponentInputsSpec | None,
) -> pipeline_spec_pb2.ExecutorOutput:
    """Finds out span, version and fingerprint of the files that match now.

    Args:
      executor_input: of the ExampleGen task.
      inputs_spec: types of its parameters, where the pipeline spec is 2.1; None is 2.0.

    Returns:
      the resolved parameters, in the form of both specs, and the `examples` artifact with them.
    """
    properties = entrypoint.parse_execution_properties(
        executor_input.inputs.parameter_values, executor_input.inputs.parameters, inputs_spec
    )
    nothing = data_types.PipelineInfo("", ""), data_types.ComponentInfo("", "", None)
    resolved = ClickLogDriver(None).resolve_exec_properties(properties, *nothing)
    name_from_id: dict[int, str] = {}
    outputs = entrypoint.parse_raw_artifact_dict(executor_input.outputs.artifacts, name_from_id)
    examples = artifact_utils.get_single_instance(outputs[specs.EXAMPLES_KEY])
    tfx_driver.update_output_artifact(resolved, examples.mlmd_artifact)
    output = pipeline_spec_pb2.ExecutorOutput()
    for key in _RESOLVED:
        _set(output, key, resolved[key])
    output.artifacts[specs.EXAMPLES_KEY].artifacts.append(
        entrypoint.to_runtime_artifact(examples, name_from_id)
    )
    return output


def _set(output: pipeline_spec_pb2.ExecutorOutput, key: str, value: Any) -> None:
    """Sets a parameter. With a 2.0 spec the executor reads `parameters` alone."""
    if isinstance(value, int):
        output.parameter_values[key].number_value = value
        output.parameters[key].int_value = value
    elif value is not None:
        output.parameter_values[key].string_value = value
        output.parameters[key].string_value = value


def main(argv: Sequence[str]) -> None:
    """Writes the driver's output; becomes the executor if the arguments name one."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--json_serialized_invocation_args", required=True)
    parser.add_argument("--json_serialized_inputs_spec_args")
    parser.add_argument("--executor_class_path")
    args, _ = parser.parse_known_args(argv)  # Beam's arguments are the executor's
    executor_input = json_format.Parse(
        args.json_serialized_invocation_args,
        pipeline_spec_pb2.ExecutorInput(),
        ignore_unknown_fields=True,
    )
    inputs_spec = None
    if args.json_serialized_inputs_spec_args:
        inputs_spec = json_format.Parse(
            args.json_serialized_inputs_spec_args, pipeline_spec_pb2.ComponentInputsSpec()
        )
    output = resolve(executor_input, inputs_spec)
    path = executor_input.outputs.output_file
    tf.io.gfile.makedirs(path.rpartition("/")[0])
    write_text(path, json_format.MessageToJson(output, sort_keys=True))
    if args.executor_class_path:
        os.execv(sys.executable, [sys.executable, "-m", EXECUTOR_MODULE, *argv])


if __name__ == "__main__":
    main(sys.argv[1:])

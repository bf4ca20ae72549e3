"""The executor: unwraps the artifacts and runs the pipeline."""

import os
from typing import Any

import tensorflow as tf
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import proto_utils

from components.errors import InputError
from components.example_gen.config import ExampleGenConfig
from components.example_gen.ingest import ingest
from components.example_gen.summary import SPLITS


class Executor(BaseBeamExecutor):
    """Raw click logs -> Parquet examples and quarantine."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Decodes the files that the driver's pattern matches.

        Raises:
          InputError: if no file matches, or as `ingest.ingest`.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        config = ExampleGenConfig.from_json(exec_properties["config"])
        input_config = example_gen_pb2.Input()
        proto_utils.json_to_proto(
            exec_properties[standard_component_specs.INPUT_CONFIG_KEY], input_config
        )
        pattern = os.path.join(
            exec_properties[standard_component_specs.INPUT_BASE_KEY],
            input_config.splits[0].pattern,
        )
        paths = sorted(tf.io.gfile.glob(pattern))
        if not paths:
            raise InputError(f"no file matches {pattern}")
        examples = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.EXAMPLES_KEY]
        )
        examples.split_names = artifact_utils.encode_split_names(list(SPLITS))
        split_uris = {split: artifact_utils.get_split_uri([examples], split) for split in SPLITS}
        quarantine_uri = artifact_utils.get_single_uri(output_dict["quarantine"])
        ingest(paths, split_uris, quarantine_uri, config, self._make_beam_pipeline)
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_PARQUET)
        examples_utils.set_file_format(
            examples, example_gen_pb2.FileFormat.Name(example_gen_pb2.FILE_FORMAT_PARQUET)
        )

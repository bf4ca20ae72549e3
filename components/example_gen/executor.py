"""The executor: unwraps the artifacts and runs the pipeline."""

from functools import partial
from typing import Any

from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs

from components.example_gen.config import ExampleGenConfig
from components.example_gen.ingest import ingest
from components.example_gen.spans import NO_SPAN, find_files, has_spans, span_name
from schemas.click_log import SPLITS, ClickLog
from schemas.spans import SPANS_PROPERTY, spans_to_json


class Executor(BaseBeamExecutor):
    """Raw click logs -> Parquet examples and quarantine."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Decodes the files of the window whose newest span the driver has resolved.

        Raises:
          InputError: as `spans.find_files` and `ingest.ingest`.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        config = ExampleGenConfig.from_json(exec_properties["config"])
        span = int(exec_properties["span"])
        pattern = exec_properties["pattern"]
        files = find_files(
            exec_properties[standard_component_specs.INPUT_BASE_KEY],
            pattern,
            config.window_spans,
            newest_span=None if span == NO_SPAN else span,
        )
        examples = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.EXAMPLES_KEY]
        )
        examples.split_names = artifact_utils.encode_split_names(list(SPLITS))
        summary = ingest(
            [file.path for file in files],
            {split: artifact_utils.get_split_uri([examples], split) for split in SPLITS},
            artifact_utils.get_single_uri(output_dict["quarantine"]),
            config,
            ClickLog.from_json(exec_properties["click_log"]),
            self._make_beam_pipeline,
            spans=[file.span for file in files] if has_spans(pattern) else (),
            span_name=partial(span_name, pattern),
        )
        if summary.spans:
            examples.set_string_custom_property(SPANS_PROPERTY, spans_to_json(summary.spans))
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_PARQUET)
        examples_utils.set_file_format(
            examples, example_gen_pb2.FileFormat.Name(example_gen_pb2.FILE_FORMAT_PARQUET)
        )

"""Unwraps the artifacts of the Transform step."""

import os
from typing import Any

from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils
from tfx.utils import io_utils

from components.errors import InputError
from components.parquet import list_files
from components.transform.apply import apply_to_splits
from components.transform.config import TransformConfig
from components.transform.dense_statistics import find_dense_statistics
from components.transform.graph import write_transform_graph
from components.transform.preprocessing import Preprocessing
from components.transform.vocabulary import count_vocabulary
from schemas.click_log import TRAIN_SPLIT, ClickLog


class Executor(base_beam_executor.BaseBeamExecutor):
    """Counts the train split's values, writes the transform graph, applies it to every split."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        config = TransformConfig.from_json(exec_properties["config"])
        click_log = ClickLog.from_json(exec_properties["click_log"])
        try:
            config.check_columns(click_log)
        except ValueError as error:
            raise InputError(f"transform.{error}") from error
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        schema_uri = artifact_utils.get_single_uri(input_dict["schema"])
        graph_uri = artifact_utils.get_single_uri(output_dict["transform_graph"])
        transformed = artifact_utils.get_single_instance(output_dict["transformed_examples"])
        splits = artifact_utils.decode_split_names(examples.split_names)
        files = {s: list_files(artifact_utils.get_split_uri([examples], s)) for s in splits}

        folder = os.path.join(self._get_tmp_dir(), "transform")
        preprocessing = self._prepare(click_log, config, files[TRAIN_SPLIT], folder)
        schema = io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(schema_uri))
        write_transform_graph(preprocessing, schema, graph_uri)

        transformed.split_names = examples.split_names
        examples_utils.set_payload_format(transformed, example_gen_pb2.FORMAT_PARQUET)
        split_uris = {s: artifact_utils.get_split_uri([transformed], s) for s in splits}
        apply_to_splits(
            self._make_beam_pipeline, files, split_uris, preprocessing, graph_uri, folder
        )

    def _prepare(
        self, click_log: ClickLog, config: TransformConfig, train_files: list[str], folder: str
    ) -> Preprocessing:
        statistics = find_dense_statistics(
            self._make_beam_pipeline,
            train_files,
            click_log,
            config.dense_treatments(click_log),
            folder,
        )
        vocabulary = count_vocabulary(
            self._make_beam_pipeline, train_files, config.categorical_treatments(click_log), folder
        )
        return Preprocessing(click_log, config, vocabulary, statistics)

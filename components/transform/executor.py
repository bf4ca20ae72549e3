"""Unwraps the artifacts of the Transform step."""

import os
from typing import Any

import apache_beam as beam
import tensorflow as tf
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils
from tfx.utils import io_utils

from components.parquet import list_files
from components.transform.config import TransformConfig
from components.transform.graph import ApplyTransformGraph, write_transform_graph
from components.transform.vocabulary import PackedVocabulary, pack, select_with_beam
from schemas.criteo import TRAIN_SPLIT


class Executor(base_beam_executor.BaseBeamExecutor):
    """Counts the vocabularies, writes the transform graph, applies it to every split."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        config = TransformConfig.from_json(exec_properties["config"])
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        schema_uri = artifact_utils.get_single_uri(input_dict["schema"])
        graph_uri = artifact_utils.get_single_uri(output_dict["transform_graph"])
        transformed = artifact_utils.get_single_instance(output_dict["transformed_examples"])

        write_transform_graph(
            config,
            self._find_vocabulary(config, examples),
            io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(schema_uri)),
            graph_uri,
        )

        transformed.split_names = examples.split_names
        examples_utils.set_payload_format(transformed, example_gen_pb2.FORMAT_PARQUET)
        paths = []
        for split in artifact_utils.decode_split_names(examples.split_names):
            target = artifact_utils.get_split_uri([transformed], split)
            tf.io.gfile.makedirs(target)
            for source in list_files(artifact_utils.get_split_uri([examples], split)):
                paths.append((source, os.path.join(target, os.path.basename(source))))
        with self._make_beam_pipeline() as pipeline:
            _ = (
                pipeline
                | "Paths" >> beam.Create(paths)
                | "SpreadPaths" >> beam.Reshuffle()
                | "Apply" >> beam.ParDo(ApplyTransformGraph(graph_uri, config.batch_rows))
            )

    def _find_vocabulary(
        self, config: TransformConfig, examples: types.Artifact
    ) -> PackedVocabulary | None:
        if config.categorical == "hash":
            return None
        folder = os.path.join(self._get_tmp_dir(), "vocabulary")
        tf.io.gfile.makedirs(folder)
        files = list_files(artifact_utils.get_split_uri([examples], TRAIN_SPLIT))
        with self._make_beam_pipeline() as pipeline:
            select_with_beam(pipeline, files, config.frequency_threshold, folder)
        return pack(folder)

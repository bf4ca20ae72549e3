"""Unwraps the artifacts of the StatisticsGen step."""

from typing import Any

import tensorflow as tf
from tfx import types
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils

from components.parquet import list_files
from components.statistics_gen.statistics import write_statistics


class Executor(base_beam_executor.BaseBeamExecutor):
    """Writes the statistics of every split."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        statistics = artifact_utils.get_single_instance(output_dict["statistics"])
        statistics.split_names = examples.split_names
        statistics.span = examples.span
        files, folders = {}, {}
        for split in artifact_utils.decode_split_names(examples.split_names):
            files[split] = list_files(artifact_utils.get_split_uri([examples], split))
            folders[split] = artifact_utils.get_split_uri([statistics], split)
            tf.io.gfile.makedirs(folders[split])
        with self._make_beam_pipeline() as pipeline:
            write_statistics(pipeline, files, folders)

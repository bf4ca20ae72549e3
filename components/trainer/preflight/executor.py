"""Unwraps the artifacts of the preflight; `run_step` does the work."""

import json
from typing import Any

from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.trainer.config import TrainerConfig
from components.trainer.preflight.compile_process import DEFAULT_PYTHON
from components.trainer.preflight.config import PreflightConfig
from components.trainer.preflight.run_step import run_step


class Executor(BaseExecutor):
    """Compiles the train steps for TPUs."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the step; see `component.TrainerPreflight` for its artifacts.

        Raises:
          InputError: as `run_step.run_step`.
        """
        trainers = json.loads(exec_properties["trainers"])
        run_step(
            trainers={name: TrainerConfig.from_json(text) for name, text in trainers.items()},
            config=PreflightConfig.from_json(exec_properties["config"]),
            transform_graph_uri=artifact_utils.get_single_uri(input_dict["transform_graph"]),
            result_uri=artifact_utils.get_single_uri(output_dict["preflight"]),
            python=DEFAULT_PYTHON,
        )

"""Unwraps the artifacts of the tuning step; `tune` does the work."""

import hashlib
import json
import os
from typing import Any

from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact

from components.trainer.config import TrainerConfig
from components.trainer.tuning.config import TunerConfig
from components.trainer.tuning.tune import tune
from schemas.click_log import TRAIN_SPLIT

_UNFINISHED = "unfinished"


class Executor(BaseExecutor):
    """Looks for good values of a trainer's configuration."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the step; see `component.TrainerTuner` for its artifacts.

        Raises:
          InputError: as `tune.tune`.
        """
        train_uri = artifact_utils.get_split_uri(input_dict["examples"], TRAIN_SPLIT)
        graph_uri = artifact_utils.get_single_uri(input_dict["transform_graph"])
        results_uri = artifact_utils.get_single_uri(output_dict["tuner_results"])
        described = [exec_properties[name] for name in ("trainer", "config", "code_version")]
        key = hashlib.sha256(json.dumps([*described, train_uri, graph_uri]).encode()).hexdigest()
        # The next try of an interrupted step has another folder for its outputs, in the same one.
        step_uri = results_uri.rsplit("/", 2)[0]
        tune(
            trainer=TrainerConfig.from_json(exec_properties["trainer"]),
            config=TunerConfig.from_json(exec_properties["config"]),
            train_patterns=[os.path.join(train_uri, "*")],
            transform_graph_uri=graph_uri,
            hyperparameters_uri=artifact_utils.get_single_uri(output_dict["best_hyperparameters"]),
            results_uri=results_uri,
            journal_uri=os.path.join(step_uri, _UNFINISHED, key[:16]),
        )

"""Unwraps the artifacts of the comparing step; `evaluate` does the work."""

import os
from typing import Any

from tfx.components.evaluator import constants
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact
from tfx.utils import io_utils
from tfx.utils.path_utils import serving_model_path

from components.evaluator.config import EvaluatorConfig
from components.evaluator.evaluate import VariantInput, evaluate
from components.evaluator.keys import EXAMPLES, model_key, model_run_key, variants_of
from schemas.click_log import EVAL_SPLIT


class Executor(BaseBeamExecutor):
    """Compares the variants, copies the chosen model and blesses it."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[Artifact]],
        output_dict: dict[str, list[Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the step; see `component.VariantEvaluator` for its artifacts.

        Raises:
          InputError: as `evaluate.evaluate`.
        """
        variants = variants_of(input_dict)
        comparison = evaluate(
            make_pipeline=self._make_beam_pipeline,
            eval_split_uri=artifact_utils.get_split_uri(input_dict[EXAMPLES], EVAL_SPLIT),
            variants={name: _variant_input(input_dict, name) for name in variants},
            config=EvaluatorConfig.from_json(exec_properties["config"]),
            comparison_uri=artifact_utils.get_single_uri(output_dict["comparison"]),
            predictions_uri=artifact_utils.get_single_uri(output_dict["predictions"]),
        )
        chosen = artifact_utils.get_single_instance(input_dict[model_key(comparison.chosen)])
        model = artifact_utils.get_single_instance(output_dict["model"])
        io_utils.copy_dir(chosen.uri, model.uri)
        model.set_string_custom_property("variant", comparison.chosen)
        _bless(artifact_utils.get_single_instance(output_dict["blessing"]), chosen)


def _variant_input(input_dict: dict[str, list[Artifact]], name: str) -> VariantInput:
    model_uri = artifact_utils.get_single_uri(input_dict[model_key(name)])
    return VariantInput(
        model_path=serving_model_path(model_uri),
        model_run_uri=artifact_utils.get_single_uri(input_dict[model_run_key(name)]),
    )


def _bless(blessing: Artifact, model: Artifact) -> None:
    """Marks the model as safe to push, as TFX's own Evaluator does."""
    io_utils.write_string_file(os.path.join(blessing.uri, constants.BLESSED_FILE_NAME), "")
    blessing.set_int_custom_property(
        constants.ARTIFACT_PROPERTY_BLESSED_KEY, constants.BLESSED_VALUE
    )
    blessing.set_string_custom_property(
        constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri
    )
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)

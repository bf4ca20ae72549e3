"""Unwraps the artifacts of the comparing step; `evaluate` does the work."""

import json
import os
import platform
from importlib import metadata
from typing import Any

from tfx.components.evaluator import constants
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact
from tfx.utils import io_utils
from tfx.utils.path_utils import serving_model_dir, serving_model_path

from components.evaluator.comparison import Comparison, Lineage
from components.evaluator.config import EvaluatorConfig
from components.evaluator.evaluate import EvalRows, Replica, evaluate
from components.evaluator.keys import (
    EXAMPLES,
    PREFLIGHT,
    TRANSFORM_GRAPH,
    TRANSFORMED_EXAMPLES,
    blessing_key,
    model_key,
    model_run_key,
    replicas_of,
)
from components.evaluator.report.model_card import model_card, model_card_markdown
from schemas.click_log import EVAL_SPLIT
from schemas.spans import SPANS_PROPERTY, spans_from_json

# The folder of a SavedModel that TensorFlow leaves to others.
_CARD_FOLDER = "assets.extra"
_PACKAGES = ("tensorflow", "tensorflow-transform", "apache-beam", "tfx")


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
        variants = {
            name: [_replica(input_dict, name, index) for index in range(count)]
            for name, count in replicas_of(input_dict).items()
        }
        comparison = evaluate(
            make_pipeline=self._make_beam_pipeline,
            rows=_eval_rows(input_dict),
            variants=variants,
            config=EvaluatorConfig.from_json(exec_properties["config"]),
            comparison_uri=artifact_utils.get_single_uri(output_dict["comparison"]),
            predictions_uri=artifact_utils.get_single_uri(output_dict["predictions"]),
            lineage=self._lineage(input_dict),
            preflight_uri=_preflight_uri(input_dict),
        )
        _copy_chosen(comparison, input_dict, output_dict)
        for result in comparison.variants:
            blessing = artifact_utils.get_single_instance(output_dict[blessing_key(result.name)])
            model = artifact_utils.get_single_instance(input_dict[model_key(result.name, 0)])
            _bless(blessing, model, result.is_blessed, result.verdict)

    def _lineage(self, input_dict: dict[str, list[Artifact]]) -> Lineage:
        run_id = self._context.pipeline_run_id if self._context else None
        environment = {"machine": _processor(), "num_cores": str(os.cpu_count())}
        environment["python"] = platform.python_version()
        environment |= {name: metadata.version(name) for name in _PACKAGES}
        ids = {key: tuple(artifact.id for artifact in input_dict[key]) for key in input_dict}
        return Lineage(run_id=run_id or "", artifact_ids=ids, environment=environment)


def _processor() -> str:
    """Returns the name of the processor, or of its kind where the name is not known."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123
            names = [line.partition(":")[2] for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0].strip() if names else platform.machine()


def _preflight_uri(input_dict: dict[str, list[Artifact]]) -> str | None:
    """None without that step."""
    if PREFLIGHT not in input_dict:
        return None
    uri: str = artifact_utils.get_single_uri(input_dict[PREFLIGHT])
    return uri


def _eval_rows(input_dict: dict[str, list[Artifact]]) -> EvalRows:
    examples = artifact_utils.get_single_instance(input_dict[EXAMPLES])
    return EvalRows(
        raw_uri=artifact_utils.get_split_uri(input_dict[EXAMPLES], EVAL_SPLIT),
        transformed_uri=artifact_utils.get_split_uri(input_dict[TRANSFORMED_EXAMPLES], EVAL_SPLIT),
        transform_graph_uri=artifact_utils.get_single_uri(input_dict[TRANSFORM_GRAPH]),
        spans=spans_from_json(examples.get_string_custom_property(SPANS_PROPERTY)),
        fingerprint=examples.get_string_custom_property("input_fingerprint") or None,
    )


def _replica(input_dict: dict[str, list[Artifact]], variant: str, index: int) -> Replica:
    model_uri = artifact_utils.get_single_uri(input_dict[model_key(variant, index)])
    run_uri = artifact_utils.get_single_uri(input_dict[model_run_key(variant, index)])
    return Replica(model_path=serving_model_path(model_uri), model_run_uri=run_uri)


def _copy_chosen(
    comparison: Comparison,
    input_dict: dict[str, list[Artifact]],
    output_dict: dict[str, list[Artifact]],
) -> None:
    """Makes the model to push, with its card inside, and the blessing that Pusher asks for.

    If nothing was chosen the blessing is the baseline's, refused: Pusher then pushes nothing.
    """
    chosen = comparison.chosen
    source = artifact_utils.get_single_instance(
        input_dict[model_key(chosen or comparison.baseline, 0)]
    )
    model = artifact_utils.get_single_instance(output_dict["model"])
    if chosen is not None:
        io_utils.copy_dir(source.uri, model.uri)
        folder = os.path.join(serving_model_dir(model.uri), _CARD_FOLDER)
        card = json.dumps(model_card(comparison), indent=1) + "\n"
        io_utils.write_string_file(os.path.join(folder, "model_card.json"), card)
        text = model_card_markdown(comparison)
        io_utils.write_string_file(os.path.join(folder, "model_card.md"), text)
        model.set_string_custom_property("variant", chosen)
    blessing = artifact_utils.get_single_instance(output_dict["blessing"])
    _bless(blessing, source, chosen is not None, comparison.reason)


def _bless(blessing: Artifact, model: Artifact, is_blessed: bool, reason: str) -> None:
    """Marks the model as safe to push or not, as TFX's own Evaluator does, and says why."""
    name = constants.BLESSED_FILE_NAME if is_blessed else constants.NOT_BLESSED_FILE_NAME
    value = constants.BLESSED_VALUE if is_blessed else constants.NOT_BLESSED_VALUE
    io_utils.write_string_file(os.path.join(blessing.uri, name), "")
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, value)
    blessing.set_string_custom_property("reason", reason)
    blessing.set_string_custom_property(
        constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri
    )
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)

"""The step that compares the variants and chooses the one to ship, in TFX's words."""

from collections.abc import Mapping, Sequence

from tfx.dsl.components.base.base_beam_component import BaseBeamComponent
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types import standard_artifacts
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.code_version import code_version
from components.evaluator.config import EvaluatorConfig, check_baseline
from components.evaluator.executor import Executor
from components.evaluator.keys import (
    EXAMPLES,
    PREFLIGHT,
    TRANSFORM_GRAPH,
    TRANSFORMED_EXAMPLES,
    blessing_key,
    model_key,
    model_run_key,
)
from schemas.artifacts import Comparison, Predictions, Preflight

_SOURCES = ("components/evaluator/**/*.py", "components/evaluator/report/assets/*")


class VariantEvaluatorSpec(ComponentSpec):
    """What the step has whatever the variants are; `spec_class` adds what belongs to them."""

    PARAMETERS = {  # noqa: RUF012
        "config": ExecutionParameter(type=str),
        "code_version": ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        EXAMPLES: ChannelParameter(type=standard_artifacts.Examples),
        TRANSFORMED_EXAMPLES: ChannelParameter(type=standard_artifacts.Examples),
        TRANSFORM_GRAPH: ChannelParameter(type=standard_artifacts.TransformGraph),
    }
    OUTPUTS = {  # noqa: RUF012
        "comparison": ChannelParameter(type=Comparison),
        "predictions": ChannelParameter(type=Predictions),
        "model": ChannelParameter(type=standard_artifacts.Model),
        "blessing": ChannelParameter(type=standard_artifacts.ModelBlessing),
    }


def spec_class(
    num_replicas: Mapping[str, int], has_preflight: bool = False
) -> type[VariantEvaluatorSpec]:
    """Returns the specification with a model and a training run a replica, a blessing a variant."""
    inputs = dict(VariantEvaluatorSpec.INPUTS)
    if has_preflight:
        inputs[PREFLIGHT] = ChannelParameter(type=Preflight)
    outputs = dict(VariantEvaluatorSpec.OUTPUTS)
    for name, count in num_replicas.items():
        outputs[blessing_key(name)] = ChannelParameter(type=standard_artifacts.ModelBlessing)
        for index in range(count):
            inputs[model_key(name, index)] = ChannelParameter(type=standard_artifacts.Model)
            inputs[model_run_key(name, index)] = ChannelParameter(type=standard_artifacts.ModelRun)
    fields = {"INPUTS": inputs, "OUTPUTS": outputs}
    return type(VariantEvaluatorSpec.__name__, (VariantEvaluatorSpec,), fields)


class VariantEvaluator(BaseBeamComponent):
    """Compares all variants on the eval split; see `evaluate.evaluate`.

    Outputs: `comparison` (JSON, page, text, TFMA's result), `predictions`, `model` (a copy of the
    chosen variant's model with its model card; custom property `variant`; empty if none was
    chosen), `blessing` (of that model, for Pusher), and for each variant `blessing_<variant>` with
    the custom property `reason`.
    """

    SPEC_CLASS = VariantEvaluatorSpec
    EXECUTOR_SPEC = BeamExecutorSpec(Executor)

    def __init__(
        self,
        examples: BaseChannel,
        transformed_examples: BaseChannel,
        transform_graph: BaseChannel,
        models: Mapping[str, Sequence[BaseChannel]],
        model_runs: Mapping[str, Sequence[BaseChannel]],
        config: EvaluatorConfig,
        preflight: BaseChannel | None = None,
    ) -> None:
        """Makes the step.

        Args:
          examples: raw rows as Parquet, with an eval split.
          transformed_examples: the same rows, transformed.
          transform_graph: what transformed them.
          models: variant -> the Models of its replicas.
          model_runs: variant -> the ModelRuns of its replicas, with `training.json`.
          config: how to compare.
          preflight: what the variants are on TPUs, for the report; None without that step.

        Raises:
          InputError: if the baseline is not among the variants.
          ValueError: if models and model_runs differ in their variants, or the variants in their
            number of replicas.
        """
        check_baseline(config, models)
        num_replicas = {name: len(channels) for name, channels in models.items()}
        num_runs = {name: len(channels) for name, channels in model_runs.items()}
        if num_replicas != num_runs or len(set(num_replicas.values())) != 1:
            raise ValueError(
                "expected as many models and model_runs for each variant; received models "
                f"{num_replicas}, model_runs {num_runs}"
            )
        inputs: dict[str, BaseChannel] = {}
        for name, channels in models.items():
            for index, (model, run) in enumerate(zip(channels, model_runs[name], strict=True)):
                inputs |= {model_key(name, index): model, model_run_key(name, index): run}
        if preflight is not None:
            inputs[PREFLIGHT] = preflight
        spec = spec_class(num_replicas, preflight is not None)(
            config=config.to_json(),
            code_version=code_version(_SOURCES),
            examples=examples,
            transformed_examples=transformed_examples,
            transform_graph=transform_graph,
            comparison=Channel(type=Comparison),
            predictions=Channel(type=Predictions),
            model=Channel(type=standard_artifacts.Model),
            blessing=Channel(type=standard_artifacts.ModelBlessing),
            **{blessing_key(n): Channel(type=standard_artifacts.ModelBlessing) for n in models},
            **inputs,
        )
        super().__init__(spec=spec)
        self.with_id("Evaluator")

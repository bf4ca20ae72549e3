"""The step that compares the variants and chooses the one to ship, in TFX's words."""

from collections.abc import Mapping

from tfx.dsl.components.base.base_beam_component import BaseBeamComponent
from tfx.dsl.components.base.executor_spec import BeamExecutorSpec
from tfx.types import standard_artifacts
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.code_version import code_version
from components.evaluator.config import EvaluatorConfig, check_baseline
from components.evaluator.executor import Executor
from components.evaluator.keys import EXAMPLES, model_key, model_run_key
from schemas.artifacts import Comparison, Predictions

_SOURCES = ("components/evaluator/*.py", "components/evaluator/*.html")


class VariantEvaluatorSpec(ComponentSpec):
    """What the step has whatever the variants are; `spec_class` adds their inputs."""

    PARAMETERS = {  # noqa: RUF012
        "config": ExecutionParameter(type=str),
        "code_version": ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        EXAMPLES: ChannelParameter(type=standard_artifacts.Examples),
    }
    OUTPUTS = {  # noqa: RUF012
        "comparison": ChannelParameter(type=Comparison),
        "predictions": ChannelParameter(type=Predictions),
        "model": ChannelParameter(type=standard_artifacts.Model),
        "blessing": ChannelParameter(type=standard_artifacts.ModelBlessing),
    }


def spec_class(variants: Mapping[str, BaseChannel]) -> type[VariantEvaluatorSpec]:
    """Returns the specification with one model and one training run a variant."""
    inputs = dict(VariantEvaluatorSpec.INPUTS)
    for name in variants:
        inputs[model_key(name)] = ChannelParameter(type=standard_artifacts.Model)
        inputs[model_run_key(name)] = ChannelParameter(type=standard_artifacts.ModelRun)
    return type(VariantEvaluatorSpec.__name__, (VariantEvaluatorSpec,), {"INPUTS": inputs})


class VariantEvaluator(BaseBeamComponent):
    """Compares all variants on the eval split; see `evaluate.evaluate`.

    Outputs: `comparison` (JSON, page, TFMA's result), `predictions`, `model` (a copy of the chosen
    variant's model, custom property `variant`) and `blessing` (of that model, for Pusher).
    """

    SPEC_CLASS = VariantEvaluatorSpec
    EXECUTOR_SPEC = BeamExecutorSpec(Executor)

    def __init__(
        self,
        examples: BaseChannel,
        models: Mapping[str, BaseChannel],
        model_runs: Mapping[str, BaseChannel],
        config: EvaluatorConfig,
    ) -> None:
        """Makes the step.

        Args:
          examples: raw rows as Parquet, with an eval split.
          models: variant -> its Model.
          model_runs: variant -> its ModelRun with `training.json`.
          config: how to compare.

        Raises:
          InputError: if the baseline is not among the variants.
          ValueError: if models and model_runs differ in their variants, or two variants would
            share an input key (`x` and `run_x`).
        """
        check_baseline(config, models)
        if set(models) != set(model_runs):
            raise ValueError(
                f"models has the variants {sorted(models)}, model_runs has {sorted(model_runs)}"
            )
        inputs = {model_key(name): channel for name, channel in models.items()}
        inputs |= {model_run_key(name): channel for name, channel in model_runs.items()}
        if len(inputs) != 2 * len(models):
            raise ValueError(f"two variants share an input key: {sorted(models)}; rename one")
        spec = spec_class(models)(
            config=config.to_json(),
            code_version=code_version(_SOURCES),
            examples=examples,
            comparison=Channel(type=Comparison),
            predictions=Channel(type=Predictions),
            model=Channel(type=standard_artifacts.Model),
            blessing=Channel(type=standard_artifacts.ModelBlessing),
            **inputs,
        )
        super().__init__(spec=spec)
        self.with_id("Evaluator")

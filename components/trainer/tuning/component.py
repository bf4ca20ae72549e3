"""The step that looks for good values of the trainers' configurations, in TFX's words.

It takes the place of TFX's Tuner: the same inputs and outputs by the same names, so a Trainer takes
its hyperparameters as it would take those. TFX's Tuner itself does not fit: its `tuner_fn` learns
no folder that is kept, so plots could not be artifacts; it wants a KerasTuner search where only a
range test was asked for; and it prints its summaries to where the console draws.
"""

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import standard_artifacts
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.code_version import code_version
from components.trainer.config import TrainerConfig
from components.trainer.embedding_config import EmbeddingConfig
from components.trainer.registry import trainer_sources
from components.trainer.tuning.config import TunerConfig
from components.trainer.tuning.executor import Executor


class TrainerTunerSpec(ComponentSpec):
    """What the step takes and gives."""

    PARAMETERS = {  # noqa: RUF012
        "trainer": ExecutionParameter(type=str),
        "config": ExecutionParameter(type=str),
        "code_version": ExecutionParameter(type=str),
        # Is for whoever starts the executor elsewhere; the executor does not read it.
        "custom_config": ExecutionParameter(type=str, optional=True),
    }
    INPUTS = {  # noqa: RUF012
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "transform_graph": ChannelParameter(type=standard_artifacts.TransformGraph),
    }
    OUTPUTS = {  # noqa: RUF012
        "best_hyperparameters": ChannelParameter(type=standard_artifacts.HyperParameters),
        "tuner_results": ChannelParameter(type=standard_artifacts.TunerResults),
    }


class TrainerTuner(BaseComponent):
    """Looks for good values of a trainer's configuration; see `tune.tune`.

    Outputs: `best_hyperparameters` (for the trainers) and `tuner_results` (trials, `tuning.json`,
    plots).
    """

    SPEC_CLASS = TrainerTunerSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)

    def __init__(
        self,
        examples: BaseChannel,
        transform_graph: BaseChannel,
        trainer: TrainerConfig,
        config: TunerConfig,
    ) -> None:
        """Makes the step.

        Args:
          examples: transformed rows as Parquet; only their train split is read.
          transform_graph: the graph that transformed them.
          trainer: the configuration to tune.
          config: what to look for.
        """
        spec = TrainerTunerSpec(
            trainer=trainer.to_json(),
            config=config.to_json(),
            code_version=code_version(_sources(trainer, config)),
            examples=examples,
            transform_graph=transform_graph,
            best_hyperparameters=Channel(type=standard_artifacts.HyperParameters),
            tuner_results=Channel(type=standard_artifacts.TunerResults),
        )
        super().__init__(spec=spec)
        self.with_id("Tuner")


def _sources(trainer: TrainerConfig, config: TunerConfig) -> list[str]:
    """The code that tunes: of the embedding methods, those that are trained with."""
    methods = set(trainer.methods)
    if config.search and "embedding.method" in config.search.fields:
        stacks = config.search.fields["embedding.method"].examples()
        methods |= {name for stack in stacks for name in EmbeddingConfig(method=stack).names}
    return [*trainer_sources(methods), "components/trainer/tuning/*.py"]

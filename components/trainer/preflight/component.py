"""The step that compiles every variant's train step for TPUs before one is trained."""

import json
from collections.abc import Mapping

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.types import standard_artifacts
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.code_version import code_version
from components.trainer.config import TrainerConfig
from components.trainer.preflight.compile_process import DEFAULT_PYTHON
from components.trainer.preflight.config import PreflightConfig
from components.trainer.preflight.executor import Executor
from components.trainer.registry import trainer_sources
from schemas.artifacts import Preflight

_SOURCES = (
    "components/trainer/preflight/**/*.py",
    "components/trainer/program/*.py",
    "requirements-preflight.in",
)


class TrainerPreflightSpec(ComponentSpec):
    """What the step takes and gives."""

    PARAMETERS = {  # noqa: RUF012
        "trainers": ExecutionParameter(type=str),
        "config": ExecutionParameter(type=str),
        "code_version": ExecutionParameter(type=str),
        # A step that was skipped runs once there is a compiler.
        "compiler": ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        "transform_graph": ChannelParameter(type=standard_artifacts.TransformGraph),
    }
    OUTPUTS = {  # noqa: RUF012
        "preflight": ChannelParameter(type=Preflight),
    }


class TrainerPreflight(BaseComponent):
    """Compiles the variants' train steps for TPUs; see `run_step.run_step`.

    Outputs: `preflight` (`preflight.json`).
    """

    SPEC_CLASS = TrainerPreflightSpec
    EXECUTOR_SPEC = ExecutorClassSpec(Executor)

    def __init__(
        self,
        transform_graph: BaseChannel,
        trainers: Mapping[str, TrainerConfig],
        config: PreflightConfig,
    ) -> None:
        """Makes the step.

        Args:
          transform_graph: whose ids and dense features are trained on.
          trainers: variant -> its configuration.
          config: for what they are compiled.
        """
        methods = {method for trainer in trainers.values() for method in trainer.methods}
        texts = {name: trainer.to_json() for name, trainer in trainers.items()}
        spec = TrainerPreflightSpec(
            trainers=json.dumps(texts, sort_keys=True),
            config=config.to_json(),
            code_version=code_version([*trainer_sources(methods), *_SOURCES]),
            compiler="there" if DEFAULT_PYTHON.exists() else "missing",
            transform_graph=transform_graph,
            preflight=Channel(type=Preflight),
        )
        super().__init__(spec=spec)
        self.with_id("Preflight")

"""TFX's LocalDagRunner, one step at a time, so that someone can watch."""

import copy
import datetime
from collections.abc import Callable

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler import constants
from tfx.orchestration import metadata
from tfx.orchestration.local import local_dag_runner, runner_utils
from tfx.orchestration.portable import runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2

_Execution = metadata_store_pb2.Execution


class StepError(Exception):
    """A step failed; `__cause__` is its exception, if it raised one."""

    def __init__(self, step: str) -> None:
        """Remembers the id of the step."""
        super().__init__(f"step {step} failed")
        self.step = step


class StepwiseRunner(local_dag_runner.LocalDagRunner):
    """Runs a pipeline with LocalDagRunner and tells when steps start and end."""

    def __init__(
        self,
        on_start: Callable[[int, int, str], None],
        on_end: Callable[[bool], None],
        must_execute: Callable[[str, str], bool] = lambda step, run_id: False,
    ) -> None:
        """Makes a runner.

        Args:
          on_start: called with (number from 1, number of steps, step id) before each step.
          on_end: called with whether the cache answered, after each step that succeeded.
          must_execute: called with (step id, run id) before each step; True keeps the cache out.
        """
        super().__init__()
        self._on_start = on_start
        self._on_end = on_end
        self._must_execute = must_execute
        self.run_id = ""

    def run_with_ir(
        self,
        pipeline: pipeline_pb2.Pipeline,
        run_options: pipeline_pb2.RunOptions | None = None,
    ) -> None:
        """Runs each step by itself under one run id, which is kept in `run_id`.

        Raises:
          StepError: if a step fails; the steps after it do not run.
        """
        self.run_id = datetime.datetime.now().isoformat()
        runtime_parameter_utils.substitute_runtime_parameter(
            pipeline, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: self.run_id}
        )
        steps = [node.pipeline_node.node_info.id for node in pipeline.nodes]
        for number, step in enumerate(steps, start=1):
            self._on_start(number, len(steps), step)
            try:
                fresh = self._must_execute(step, self.run_id)
                super().run_with_ir(_only(pipeline, step, fresh), run_options)
            except Exception as error:
                raise StepError(step) from error
            state = self._state_of_last_execution(pipeline)
            if state not in (_Execution.COMPLETE, _Execution.CACHED):
                raise StepError(step)
            self._on_end(state == _Execution.CACHED)

    def _state_of_last_execution(self, pipeline: pipeline_pb2.Pipeline) -> int:
        connection = runner_utils.extract_local_deployment_config(
            pipeline
        ).metadata_connection_config
        with metadata.Metadata(
            getattr(connection, connection.WhichOneof("connection_config"))
        ) as handle:
            run = handle.store.get_context_by_type_and_name("pipeline_run", self.run_id)
            executions = handle.store.get_executions_by_context(run.id) if run else []
        if not executions:
            return int(_Execution.UNKNOWN)
        return int(max(executions, key=lambda execution: execution.id).last_known_state)


def _only(pipeline: pipeline_pb2.Pipeline, step: str, fresh: bool) -> pipeline_pb2.Pipeline:
    """Returns a copy in which LocalDagRunner skips all steps but one, uncached if `fresh`."""
    copied = copy.deepcopy(pipeline)
    for node in copied.nodes:
        options = node.pipeline_node.execution_options
        if node.pipeline_node.node_info.id != step:
            options.skip.SetInParent()
        elif fresh:
            options.caching_options.enable_cache = False
    return copied

"""TFX's LocalDagRunner, one step at a time, so that someone can watch."""

import datetime
from collections.abc import Callable
from typing import NamedTuple

from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.dsl.compiler import compiler, constants
from tfx.orchestration import metadata
from tfx.orchestration.local import local_dag_runner, runner_utils
from tfx.orchestration.pipeline import Pipeline
from tfx.orchestration.portable import runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2


class StepError(Exception):
    """A step failed; `__cause__` is its exception, if it raised one."""

    def __init__(self, step: str) -> None:
        """Remembers the id of the step."""
        super().__init__(f"step {step} failed")
        self.step = step


class CompiledRun(NamedTuple):
    """A run of a pipeline, or of a part of one; it can be sent to another process.

    Attributes:
      run_id: under which ML Metadata has the run.
      pipeline: the compiled pipeline, serialized.
    """

    run_id: str
    pipeline: bytes


class StepOutcome(NamedTuple):
    """What a step that succeeded left in ML Metadata.

    Attributes:
      is_cached: whether it did not run: an earlier execution had done the same.
      outputs: output key -> where its artifact is; of several under a key, the last one.
    """

    is_cached: bool
    outputs: dict[str, str]


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
        self.run_id = new_run_id()
        run = _compiled_run(pipeline, self.run_id)
        steps = [node.pipeline_node.node_info.id for node in pipeline.nodes]
        for number, step in enumerate(steps, start=1):
            self._on_start(number, len(steps), step)
            try:
                fresh = self._must_execute(step, self.run_id)
            except Exception as error:
                raise StepError(step) from error
            self._on_end(run_step(run, step, fresh).is_cached)


def new_run_id() -> str:
    """Returns the id of a run that starts now."""
    return datetime.datetime.now().isoformat()


def compile_run(pipeline: Pipeline, run_id: str) -> CompiledRun:
    """Returns the pipeline as `run_step` takes it, as a run of its own or as a part of one."""
    return _compiled_run(compiler.Compiler().compile(pipeline), run_id)


def run_step(run: CompiledRun, step: str, fresh: bool = False) -> StepOutcome:
    """Runs one step; those that it reads from must have run under the same run id.

    Several processes may run steps of the same run at once.

    Args:
      run: to which the step belongs.
      step: its id.
      fresh: whether the cache is kept out.

    Raises:
      StepError: if the step fails.
    """
    pipeline = _only(run.pipeline, step, fresh)
    try:
        local_dag_runner.LocalDagRunner().run_with_ir(pipeline)
    except Exception as error:
        raise StepError(step) from error
    connection = runner_utils.extract_local_deployment_config(pipeline).metadata_connection_config
    with metadata.Metadata(
        getattr(connection, connection.WhichOneof("connection_config"))
    ) as handle:
        node = f"{pipeline.pipeline_info.id}.{step}"
        execution = _last_execution(handle.store, run.run_id, node)
        if execution is None or execution.last_known_state not in (
            mlmd.Execution.COMPLETE,
            mlmd.Execution.CACHED,
        ):
            raise StepError(step)
        is_cached = execution.last_known_state == mlmd.Execution.CACHED
        return StepOutcome(is_cached, _outputs(handle.store, execution))


def _compiled_run(pipeline: pipeline_pb2.Pipeline, run_id: str) -> CompiledRun:
    runtime_parameter_utils.substitute_runtime_parameter(
        pipeline, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id}
    )
    return CompiledRun(run_id, pipeline.SerializeToString())


def _last_execution(store: MetadataStore, run_id: str, node: str) -> mlmd.Execution | None:
    """Returns the newest execution of a node in a run."""
    ids = []
    for kind, name in (("pipeline_run", run_id), ("node", node)):
        context = store.get_context_by_type_and_name(kind, name)
        found = store.get_executions_by_context(context.id) if context else []
        ids.append({execution.id: execution for execution in found})
    both = ids[0].keys() & ids[1].keys()
    return ids[0][max(both)] if both else None


def _outputs(store: MetadataStore, execution: mlmd.Execution) -> dict[str, str]:
    """Returns output key -> URI of an execution."""
    keys = {
        event.artifact_id: event.path.steps[0].key
        for event in store.get_events_by_execution_ids([execution.id])
        if event.type == mlmd.Event.OUTPUT
    }
    artifacts = store.get_artifacts_by_id(list(keys)) if keys else []
    return {keys[artifact.id]: artifact.uri for artifact in artifacts}


def _only(serialized: bytes, step: str, fresh: bool) -> pipeline_pb2.Pipeline:
    """Returns a pipeline of which LocalDagRunner skips all steps but one, uncached if `fresh`."""
    pipeline = pipeline_pb2.Pipeline.FromString(serialized)
    for node in pipeline.nodes:
        options = node.pipeline_node.execution_options
        if node.pipeline_node.node_info.id != step:
            options.skip.SetInParent()
        elif fresh:
            options.caching_options.enable_cache = False
    return pipeline

"""What a study runs in its own process: steps of the pipelines of its groups."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.cause import cause_of
from pipeline.config import PipelineConfig
from pipeline.console import Console
from pipeline.lineage.records import Origin
from pipeline.local_run import absolute, keep_origin, local_pipeline, with_synthetic_data
from pipeline.paths import RunPaths
from pipeline.stepwise_runner import CompiledRun, compile_run, run_step
from pipeline.study.cells import Cell, Group
from pipeline.study.plan import Plan


@dataclass(frozen=True)
class Prepared:
    """A group whose rows are ready.

    Attributes:
      group: the group.
      cells: those whose device is there.
      run: of the pipeline of these cells.
      dataset_bytes: of its raw lines.
    """

    group: Group
    cells: tuple[Cell, ...]
    run: CompiledRun
    dataset_bytes: int


class GroupRuns:
    """Compiles the pipelines of groups and runs steps of them, with a line on the console each.

    Attributes:
      plan: the study.
      paths: where it runs.
      console: shows the progress.
    """

    def __init__(self, plan: Plan, paths: RunPaths, console: Console, origin: Origin) -> None:
        """Writes the synthetic log, if there is no other.

        Args:
          plan: the study.
          paths: where.
          console: shows the progress.
          origin: of the runs.

        Raises:
          InputError: if the synthetic log cannot be written.
        """
        self.plan = plan
        self.paths = paths
        self.console = console
        self._origin = origin
        config = plan.groups[0].cells_config
        if plan.data is None:
            config, self._data = with_synthetic_data(config, paths, console)
        else:
            self._data = absolute(plan.data)
        best = ("best_auc_roc", "best_logloss")
        self._best = {name: getattr(config.evaluator, name) for name in best}

    def config(self, group: Group, cells: Sequence[Cell]) -> PipelineConfig:
        """Returns the configuration of a pipeline of some of a group's cells."""
        config = group.config(cells)
        evaluator = config.evaluator.model_copy(update=self._best)
        return config.model_copy(update={"evaluator": evaluator})

    def compile(self, group: Group, cells: Sequence[Cell], run_id: str) -> CompiledRun:
        """Returns the pipeline of some of a group's cells, as a part of a run."""
        config = self.config(group, cells)
        return compile_run(local_pipeline(config, self._data, self.paths, None), run_id)

    def run_step(self, group: Group, run: CompiledRun, step: str) -> dict[str, str]:
        """Runs a step here; returns output key -> URI.

        Raises:
          StepError: if it fails.
        """
        self.console.start_step(f"  {group.name}: {step}")
        try:
            outcome = run_step(run, step)
        finally:
            keep_origin(self._origin, self.paths, run.run_id)
        self.console.end_step("cached" if outcome.is_cached else "")
        return outcome.outputs

    def failure(self, error: Exception, group: Group) -> str:
        """Shows why the running step failed; returns that."""
        logging.error("group %s failed", group.name, exc_info=error)
        cause = cause_of(error)
        self.console.end_step(f"failed: {cause}")
        return cause

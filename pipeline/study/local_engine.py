"""A study on this machine as the command runs it."""

from typing import TYPE_CHECKING

from pipeline.console import Console, log_to_file
from pipeline.lineage.records import Origin
from pipeline.paths import RunPaths
from pipeline.startup import gc_paused
from pipeline.study.config import StudyConfig
from pipeline.study.plan import make_plan

if TYPE_CHECKING:  # it loads TensorFlow, which the list of the cells does not need
    from pipeline.study.result import StudyResult


class LocalEngine:
    """Runs a study on this machine."""

    def __init__(
        self,
        study: StudyConfig,
        source: str,
        parallel: int | None,
        paths: RunPaths,
        console: Console,
    ) -> None:
        """Checks the study; runs and writes nothing. Arguments and errors: `make_plan`."""
        self._plan = make_plan(study, source, paths, parallel)
        self._paths, self._console = paths, console

    def show_plan(self) -> None:
        """Says which cells there are and about how long each takes."""
        from pipeline.study.text import plan_text

        self._console.say(plan_text(self._plan))

    def run(self, origin: Origin) -> "StudyResult":
        """Runs all of it; see `run_local_study`."""
        with gc_paused():
            from pipeline.study.local_study import run_local_study

        log_to_file(self._paths.log_path)  # again, now that the libraries have set theirs up
        plan = self._plan
        self._console.end_step(f"{len(plan.trainings)} trainings, {plan.parallel} at once")
        return run_local_study(plan, self._paths, self._console, origin)

"""A study on Vertex AI as the command runs it: submit, look, wait if that is wanted, collect."""

from argparse import Namespace
from collections.abc import Sequence
from time import sleep

from components.progress import report
from pipeline.console import Console
from pipeline.lineage.records import Origin
from pipeline.paths import RunPaths
from pipeline.study.config import StudyConfig
from pipeline.study.grid import make_groups
from pipeline.study.result import StudyResult
from pipeline.study.vertex.cell_runs import cell_runs
from pipeline.study.vertex.cell_state import CellState, render_states
from pipeline.study.vertex.cost import check_cost
from pipeline.study.vertex.journal import RunJournal
from pipeline.study.vertex.vertex_study import VertexStudy, all_ended
from pipeline.vertex.api.service import ServiceError
from pipeline.vertex.api.storage import Storage
from pipeline.vertex.flags import check_data, check_given, check_max_cost, check_rows, make_site
from pipeline.vertex.runs.submit import check_storage

POLL_SECONDS = 30.0
_GO_ON = "what was submitted goes on; the same command finds it again"


class VertexEngine:
    """Runs a study on Vertex AI."""

    def __init__(
        self, study: StudyConfig, flags: Namespace, paths: RunPaths, console: Console
    ) -> None:
        """Checks flags and configuration; sends and writes nothing.

        Args:
          study: the study.
          flags: of the command.
          paths: of the journal and of the tables.
          console: shows what happens.

        Raises:
          InputError: if a flag is missing or wrong, or machines do not suit trainers.
        """
        site = make_site(flags)
        check_given({"--data": study.data}, flags.command)
        self._data = check_data(study.data or "")
        self._max_usd, self._rows = check_max_cost(flags.max_cost), check_rows(flags.rows)
        self._groups = make_groups(study, flags.config)
        self._flags, self._site, self._console = flags, site, console
        self._runs = cell_runs(self._groups, site, self._data)
        self._study = VertexStudy(
            self._runs,
            site,
            self._data,
            RunJournal(paths.study_dir / "vertex_runs.json"),
            flags.parallel or study.parallel,
            console,
        )

    def show_plan(self) -> None:
        """Says what would be submitted. Asks Google nothing.

        Raises:
          InputError: as `check_cost`.
        """
        missing = self._study.missing()
        for each in missing:
            machine = each.config.vertex.machine_of(each.cell.name).machine_type
            after = f", after {each.leader.id}" if each.leader else ""
            self._console.say(f"  {each.cell.id}: {each.config.seeds} x {machine}{after}")
        check_cost(missing, self._site.region, None, self._rows, self._max_usd, self._console)
        known = len(self._runs) - len(missing)
        self._console.say(
            f"{len(missing)} runs would be submitted, {known} were before; nothing was sent"
        )

    def run(self, origin: Origin) -> StudyResult | None:
        """Submits what is missing; returns the result once all runs have ended, None before.

        Args:
          origin: not used: Vertex AI keeps the lineage of its runs itself.

        Raises:
          ServiceError: if Google's services refuse or do not answer.
          InputError: if log or bucket are not there, or the cost is above the limit.
          KeyboardInterrupt: says that the runs go on.
        """
        self._console.end_step(f"{len(self._runs)} cells")
        try:
            states = self._advance()
            while self._flags.wait and not all_ended(states):
                sleep(POLL_SECONDS)
                states = self._look_again(states)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"interrupted; {_GO_ON}") from None
        except ServiceError as error:
            raise ServiceError(f"{error}; {_GO_ON}", error.code) from error
        self._console.say(f"\n{render_states(states)}")
        if not all_ended(states):
            self._console.say("not all runs have ended: the same command looks again")
            return None
        from pipeline.study.vertex.collect import collect

        self._console.start_step("  reading what the runs brought")
        result = collect(states, self._groups)
        self._console.end_step()
        return result

    def _advance(self) -> list[CellState]:
        """The first look, with all checks before anything is sent."""
        failed = self._study.failed() if self._flags.retry else []
        missing = [*self._study.missing(), *failed]
        if missing:
            num_bytes = check_storage(
                Storage(self._site.project), self._site, self._data, self._console
            )
            region, rows = self._site.region, self._rows
            check_cost(missing, region, num_bytes, rows, self._max_usd, self._console)
        self._study.forget(failed)
        return self._study.advance()

    def _look_again(self, before: Sequence[CellState]) -> list[CellState]:
        """Submits what may follow now, and says which cells have ended since."""
        ended = {each.cell_run.cell.id for each in before if each.has_ended}
        states = self._study.advance()
        for each in states:
            if each.has_ended and each.cell_run.cell.id not in ended:
                said = f": {each.error}" if each.error else ""
                self._console.say(f"  {each.cell_run.cell.id} {each.state}{said}")
        num_ended = sum(each.has_ended for each in states)
        report(f"{num_ended} of {len(states)} runs have ended")
        return states

"""Submits the runs of a study to Vertex AI, each once, and looks at them."""

import datetime
import re
from collections.abc import Iterable, Sequence
from typing import Any

from pipeline.console import Console
from pipeline.paths import PIPELINE_NAME
from pipeline.study.vertex.cell_runs import CellRun
from pipeline.study.vertex.cell_state import CellState
from pipeline.study.vertex.journal import RunJournal, Submission
from pipeline.vertex.runs.run_state import RunState
from pipeline.vertex.runs.submission import new_job_id, pipeline_request
from pipeline.vertex.runs.vertex_runs import VertexRuns
from pipeline.vertex.site import Site

# Of a run, for filters and the bill.
DATASET_LABEL = "study_dataset"
CELL_LABEL = "study_cell"
_MAX_LABEL = 63


class VertexStudy:
    """The runs of a study.

    The id of a run is chosen and kept before anything is sent. So whatever happens to an answer or
    to this process, the next look finds the run that is there and submits none a second time.
    """

    def __init__(
        self,
        cell_runs: Sequence[CellRun],
        site: Site,
        data: str,
        journal: RunJournal,
        parallel: int | None,
        console: Console,
    ) -> None:
        """Sends nothing yet.

        Args:
          cell_runs: all of them, leaders before those that follow.
          site: where they go.
          data: pattern of the raw click logs.
          journal: of earlier submissions.
          parallel: runs at once; None is no limit.
          console: shows what is submitted.
        """
        self._cell_runs = cell_runs
        self._site, self._data = site, data
        self._journal = journal
        self._parallel = parallel
        self._console = console
        self._runs = VertexRuns(site.project, site.region, site.endpoint)
        self._ended: dict[str, RunState] = {}

    def missing(self) -> list[CellRun]:
        """Returns those that were never submitted; asks Vertex AI nothing."""
        return [each for each in self._cell_runs if self._known_id(each) is None]

    def failed(self) -> list[CellRun]:
        """Returns those that have ended without success.

        Raises:
          ServiceError: if a run cannot be read.
        """
        found = [(each, self._find(each)) for each in self._cell_runs]
        return [each for each, run in found if run is not None and CellState(each, run).error]

    def forget(self, cell_runs: Iterable[CellRun]) -> None:
        """Lets runs be submitted again, as new ones."""
        for each in cell_runs:
            self._journal.forget(each.cell.id)

    def advance(self) -> list[CellState]:
        """Submits what can be submitted now; returns how all of them are doing.

        Raises:
          ServiceError: if Vertex AI refuses or does not answer; what was submitted goes on.
          InputError: if the compiled pipeline or a label is not allowed.
        """
        found = {each.cell.id: self._find(each) for each in self._cell_runs}
        num_active = sum(run is not None and not run.has_ended for run in found.values())
        limit = self._parallel or len(self._cell_runs)
        states: dict[str, CellState] = {}
        for each in self._cell_runs:
            run = found[each.cell.id]
            leader = states[each.leader.id] if each.leader else None
            state = CellState(each, run)
            if run is None and leader is not None and leader.error:
                state = CellState(each, blocked=f"not submitted, for {leader.error}")
            elif run is None and (leader is None or leader.has_succeeded) and num_active < limit:
                state = CellState(each, self._submit(each))
                num_active += 1
            states[each.cell.id] = state
        return list(states.values())

    def _known_id(self, cell_run: CellRun) -> str | None:
        return self._journal.get(cell_run.cell.id, cell_run.digest)

    def _find(self, cell_run: CellRun) -> RunState | None:
        """Returns a cell's run; None if it was not submitted, or the request got lost."""
        run_id = self._known_id(cell_run)
        if run_id is None:
            return None
        if run_id not in self._ended:
            run = self._runs.find(run_id)
            if run is None or not run.has_ended:
                return run
            self._ended[run_id] = run
        return self._ended[run_id]

    def _submit(self, cell_run: CellRun) -> RunState:
        self._console.start_step(f"  submitting {cell_run.cell.id}")
        job = labelled(compile_run(cell_run, self._site, self._data), cell_run)
        run_id = self._known_id(cell_run)
        if run_id is None:
            run_id = new_job_id(job, datetime.datetime.now(datetime.timezone.utc))
            submission = Submission(id=run_id, digest=cell_run.digest)
            self._journal.put(cell_run.cell.id, submission)
        self._runs.create(pipeline_request(job, cell_run.config.vertex, self._site, run_id))
        self._console.end_step(run_id)
        return self._runs.read(run_id)


def compile_run(cell_run: CellRun, site: Site, data: str) -> dict[str, Any]:
    """Returns the PipelineJob of a cell as JSON; see `compile_pipeline`."""
    from pipeline.vertex.graph.compile import compile_pipeline

    return compile_pipeline(cell_run.config, site, data, pushes=False)


def labelled(job: dict[str, Any], cell_run: CellRun) -> dict[str, Any]:
    """Returns a job that tells its cell.

    The run alone is labelled: labels of `VertexConfig` are part of the trainers' parameters, and
    the trainings of the baseline would not be the same in all runs any more.
    """
    cell = cell_run.cell
    labels = {DATASET_LABEL: _plain(cell.dataset), CELL_LABEL: cell.name[:_MAX_LABEL]}
    name = f"{PIPELINE_NAME} {cell.id}"
    return {**job, "displayName": name, "labels": {**job.get("labels", {}), **labels}}


def _plain(text: str) -> str:
    """Returns the text as a label's value."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower())[:_MAX_LABEL]


def all_ended(states: Iterable[CellState]) -> bool:
    """Returns whether nothing more will happen by itself."""
    return all(state.has_ended for state in states)

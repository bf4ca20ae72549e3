"""The pipeline runs of a study on Vertex AI, one a cell."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.config import PipelineConfig
from pipeline.study.cells import Cell, Group
from pipeline.vertex.jobs.custom_job import check_training
from pipeline.vertex.site import Site


@dataclass(frozen=True)
class CellRun:
    """The run of one cell, with all of its seeds.

    Attributes:
      group: of the cell.
      cell: that it trains.
      leader: the cell of the group whose run goes first; the others then find rows, and the
        baseline's trainings, in Vertex AI's cache. None if this is it.
      baseline: the cell that is trained beside it and that it is compared with; None without.
      config: of the pipeline.
      digest: of all that the run depends on but the code.
    """

    group: Group
    cell: Cell
    leader: Cell | None
    baseline: Cell | None
    config: PipelineConfig
    digest: str


def cell_runs(groups: Sequence[Group], site: Site, data: str) -> list[CellRun]:
    """Lists the runs of a study, a group's leader before the others.

    Args:
      groups: of the study. The first one of a dataset has its baseline; in the others, whose rows
        a method has changed, each cell is by itself.
      site: where they go.
      data: pattern of the raw click logs.

    Raises:
      InputError: if the machines of a device do not suit the trainers of its cells.
    """
    runs, datasets = [], set()
    for group in groups:
        leader = group.baseline(group.cells)
        has_baseline = group.cells[0].dataset not in datasets
        datasets.add(group.cells[0].dataset)
        for cell in (leader, *(cell for cell in group.cells if cell != leader)):
            baseline = leader if has_baseline and cell != leader else None
            config = group.config((cell,) if baseline is None else (baseline, cell))
            _check_machines(config, cell)
            runs.append(
                CellRun(
                    group,
                    cell,
                    None if cell == leader else leader,
                    baseline,
                    config,
                    _digest(config, site, data),
                )
            )
    return runs


def _check_machines(config: PipelineConfig, cell: Cell) -> None:
    machine = config.vertex.machine_of(cell.name)
    check_training(machine, config.trainers()[cell.name], f"vertex.trainers.{cell.device}")


def _digest(config: PipelineConfig, site: Site, data: str) -> str:
    facts = {
        "config": config.model_dump(mode="json"),
        "data": data,
        "site": [site.project, site.region, site.pipeline_root, site.endpoint],
        "images": [site.image, site.gpu_image, site.tpu_image],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]

"""What the missing runs of a study would cost."""

from collections.abc import Iterable

from components.errors import InputError
from pipeline.console import Console
from pipeline.step_ids import trainer_id
from pipeline.study.vertex.cell_runs import CellRun
from pipeline.vertex.cost.cost import estimate
from pipeline.vertex.cost.durations import Range


def study_usd(
    cell_runs: Iterable[CellRun], region: str, num_bytes: int | None, rows: int | None
) -> Range:
    """Estimates runs of which those that follow find their leader's steps in the cache.

    Args:
      cell_runs: to be submitted.
      region: where.
      num_bytes: of the raw log; None if it is unknown.
      rows: of the raw log; None counts them from `num_bytes`.

    Returns:
      US dollars.

    Raises:
      InputError: if neither is known, or a machine has no price.
    """
    total = Range(0.0, 0.0)
    for each in cell_runs:
        estimated = estimate(each.config, region, num_bytes, rows)
        own = {trainer_id(each.cell.name, index) for index in range(each.config.seeds)}
        own.add("Evaluator")
        total += Range(estimated.usd_per_run, estimated.usd_per_run)
        for step in estimated.steps:
            if step.step in own or (each.leader is None and step.step != "Pusher"):
                total += step.usd
    return total


def check_cost(
    cell_runs: Iterable[CellRun],
    region: str,
    num_bytes: int | None,
    rows: int | None,
    max_usd: float | None,
    console: Console,
) -> None:
    """Says what runs would cost.

    Args:
      cell_runs: to be submitted.
      region: where.
      num_bytes: as of `study_usd`.
      rows: as of `study_usd`.
      max_usd: refuse what may cost more; None refuses nothing.
      console: shows it.

    Raises:
      InputError: if there is a limit, and the estimate goes above it or cannot be made.
    """
    runs = list(cell_runs)
    try:
        usd = study_usd(runs, region, num_bytes, rows)
    except InputError as error:
        if max_usd is not None:
            raise
        console.say(f"  cost: not estimated: {error}")
        return
    console.say(
        f"  cost of {len(runs)} runs: {usd.low:,.2f} to {usd.high:,.2f} US dollars, estimated"
    )
    if max_usd is not None and usd.high > max_usd:
        raise InputError(
            f"--max-cost: expected at most {max_usd:,.2f} US dollars, the estimate goes to "
            f"{usd.high:,.2f}; nothing was submitted; take fewer cells or seeds, smaller machines "
            "or a higher limit"
        )

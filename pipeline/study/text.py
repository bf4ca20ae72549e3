"""What a study says on the terminal: its plan, and how it went."""

from collections.abc import Sequence
from pathlib import Path

from components.trainer.loop.progress_line import format_seconds
from pipeline.study.estimate import START_SECONDS, Estimator, total_seconds
from pipeline.study.plan import Plan
from pipeline.study.result import StudyResult


def plan_text(plan: Plan) -> str:
    """Returns the cells with the time each takes, and the time of all."""
    estimator = Estimator(plan.timings, plan.num_cores, plan.log_rows)
    rows = [("cell", "device", "a seed", "how known")]
    trainings: list[float] = []
    other = START_SECONDS
    for group in plan.groups:
        for cell in group.cells:
            estimate = estimator.training(group, cell)
            trainings += [estimate.seconds] * plan.num_seeds
            title = f"{group.name}/{cell.name}"
            rows.append((title, cell.device, format_seconds(estimate.seconds), estimate.basis))
        other += estimator.other_steps(group.cells_config, plan.total_cores)
    seconds = total_seconds(trainings, plan.parallel)
    num_cells = sum(len(group.cells) for group in plan.groups)
    return "\n".join(
        [
            *aligned(rows),
            "",
            f"{num_cells} cells in {len(plan.groups)} groups, {plan.num_seeds} seeds each: "
            f"{len(trainings)} trainings, {plan.parallel} at once with {plan.num_cores:g} cores "
            "each",
            f"about {format_seconds(seconds + other)}: trainings {format_seconds(seconds)}, rows "
            f"and comparisons {format_seconds(other)}; trainings by themselves "
            f"{format_seconds(sum(trainings))}. Finished ones are not run again.",
        ]
    )


def result_text(result: StudyResult, folder: Path, page: Path) -> str:
    """Returns how many trainings ended how, what failed, and where tables and page are."""
    counts = [f"{result.count('done')} trainings done"]
    counts += [f"{n} failed" for n in (result.count("failed"),) if n]
    counts += [f"{n} skipped" for n in (result.count("skipped"),) if n]
    lines = [", ".join(counts)]
    reasons: dict[str, list[str]] = {}
    for group in result.groups:
        if group.error is not None:
            reasons.setdefault(group.error, []).append(f"{group.group.name}: no comparison")
            continue
        for cell in group.group.cells:
            for training in group.trainings[cell.name]:
                if training.error is not None:
                    reasons.setdefault(training.error, []).append(cell.id)
    for reason, where in reasons.items():
        shown = list(dict.fromkeys(where))
        more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
        lines.append(f"  {', '.join(shown[:3])}{more}: {reason}")
    return "\n".join([*lines, f"tables        {folder}", f"page          {page}"])


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Returns rows as lines with columns of one width."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]

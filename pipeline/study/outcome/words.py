"""How the numbers of a study look to people, and what a figure was measured on."""

import re
from collections.abc import Iterable

from components.evaluator.measures import METRICS as MEASURES
from components.evaluator.numbers import MISSING, fixed, signed, significant
from pipeline.study.outcome.study import BASELINE, Cell, Interval, Run, Study, unique


def metric_title(metric: str) -> str:
    """Returns a metric's name for people, `AUC ROC`."""
    return MEASURES[metric].title


def axis_title(metric: str) -> str:
    """Returns the same with its unit, `logloss, nats`."""
    measure = MEASURES[metric]
    return f"{measure.title}, {measure.unit}" if measure.unit else measure.title


def is_better_higher(metric: str) -> bool:
    """Returns whether larger values of a metric are better."""
    return MEASURES[metric].better == "higher"


def interval_text(interval: Interval | None) -> str:
    """Returns `0.7966 (0.7905 to 0.8027)`."""
    if interval is None:
        return MISSING
    return f"{fixed(interval.value, 4)} ({fixed(interval.low, 4)} to {fixed(interval.high, 4)})"


def difference_text(interval: Interval | None) -> str:
    """Returns `+0.0021 (+0.0004 to +0.0038)`."""
    if interval is None:
        return MISSING
    low, high = (signed(end, 4) if abs(end) < 9 else "?" for end in interval[1:])
    return f"{signed(interval.value, 4)} ({low} to {high})"


def noise_text(cells: Iterable[Cell]) -> str:
    """Returns what intervals of cells are over: `rows and seeds`, or what they lack."""
    has_seeds = all(cell.num_seeds > 1 for cell in cells)
    return "rows and seeds" if has_seeds else "rows (one seed: its noise is not in them)"


def seconds_text(seconds: float | None) -> str:
    """Returns `12.3 s` or `25.0 min`."""
    if seconds is None:
        return MISSING
    return f"{significant(seconds)} s" if seconds < 600 else f"{significant(seconds / 60)} min"


def short_count(value: float) -> str:
    """Returns `0.01`, `320`, `3.2k`, `32k` or `3.2M`."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def against(study: Study, cells: Iterable[Cell]) -> str:
    """Returns ` to full`, or ` to full of dlrm` if some cells have another architecture or device.

    That is the baseline of all cells that have one; nothing if they have different ones.
    """
    found = [(cell, base) for cell in cells if (base := study.baseline_of(cell))]
    names = unique((b.variant, b.architecture, b.device, b.setting) for _, b in found)
    if len(names) != 1:
        return ""
    variant, architecture, device, setting = names[0]
    others = [architecture] if any("architecture" in study.changes_of(c) for c, _ in found) else []
    others += [device] if any("device" in study.changes_of(c) for c, _ in found) else []
    name = variant if setting == BASELINE else f"{variant}, {setting}"
    return f" to {name} of {', '.join(others)}" if others else f" to {name}"


def plural(number: int, word: str) -> str:
    """Returns `1 cell` or `1,200 cells`."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def minus(text: str) -> str:
    """Returns a text whose negative numbers have a minus sign that is as wide as a plus."""
    return re.sub(r"(?<![\w-])-(?=\d)", "−", text)


def facts(study: Study, cells: Iterable[Cell]) -> str:
    """Returns rows, seeds, device and cores of some cells, for the note of a figure."""
    names = {cell.cell for cell in cells}
    return run_facts([run for run in study.runs if run.cell in names and run.is_done])


def run_facts(runs: Iterable[Run]) -> str:
    """Returns rows, seeds, device and cores of some trainings."""
    runs = list(runs)
    cores = _numbers(run.num_cores for run in runs)
    parts = [
        f"{_numbers(run.num_train_rows for run in runs)} train rows",
        f"{_numbers(run.num_eval_rows for run in runs)} eval rows",
        plural(len({run.seed for run in runs}), "seed"),
        "device " + ", ".join(unique(run.device for run in runs)),
        f"{cores} {'core' if cores == '1' else 'cores'} a training",
    ]
    side_by_side = {run.parallel_cells for run in runs if (run.parallel_cells or 1) > 1}
    if side_by_side:
        parts.append(f"{_numbers(side_by_side)} trainings at a time")
    return "; ".join(parts)


def _numbers(values: Iterable[float | None]) -> str:
    known = unique(value for value in values if value is not None)
    if not known:
        return "unknown"
    if len(known) > 4:
        return f"{min(known):,g} to {max(known):,g}"
    return " / ".join(f"{value:,.10g}" for value in known)
